//! The Node package: the addon built in place, `node --test`, the types checked.

use std::path::{Path, PathBuf};

use crate::steps::{Steps, answer_of};

/// The oldest major version the package supports (`engines` in `node/package.json`).
const OLDEST_NODE: u32 = 20;

/// What checks the types; the package and its other tests need none of it.
const TYPE_TOOLS: [&str; 2] = ["typescript@5.9", "@types/node@20"];

/// Builds the addon as a developer does and runs the package's tests.
pub(crate) fn test(steps: &mut Steps, required: bool) -> Result<(), String> {
    let version = answer_of(steps.command("node").arg("--version")).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST_NODE) {
        let found = if version.is_empty() { "none" } else { &version };
        let why = format!("Node {OLDEST_NODE} or later is needed, found {found}");
        return steps.skip("node", &why, required);
    }

    let mut build = steps.cargo(["build", "-p", "forescale-node"]);
    steps.run("node build", &mut build)?;
    let package = steps.root.join("node");
    let addon = steps.target.join("debug").join(library("forescale_node"));
    let place = package.join("forescale.node");
    let what = format!("copy {} to node/forescale.node", library("forescale_node"));
    // Removed first: a running process keeps the old file, and macOS distrusts one changed in place.
    steps.take("node addon", &what, || {
        let _ = std::fs::remove_file(&place);
        std::fs::copy(&addon, &place).map(drop).map_err(|error| error.to_string())
    })?;

    let files = tests_in(&package.join("test")).map_err(|error| format!("node/test: {error}"))?;
    let mut node = steps.command("node");
    node.args(["--test", "--test-reporter=spec"]).args(files).current_dir(&package);
    steps.run("node tests", &mut node)?;
    check_types(steps, &package, required)
}

/// Compiles what a user of TypeScript would write.
fn check_types(steps: &mut Steps, package: &Path, required: bool) -> Result<(), String> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    if answer_of(steps.command(npm).arg("--version")).is_none() {
        return steps.skip("node types", "no npm found", required);
    }
    let tools = steps.target.join("node");
    let installed = tools.join("node_modules");
    std::fs::create_dir_all(&tools).map_err(|error| format!("{}: {error}", tools.display()))?;
    if !installed.join(".package-lock.json").exists() {
        let mut install = steps.command(npm);
        install.args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"]).arg(&tools);
        steps.run("typescript", install.args(TYPE_TOOLS))?;
    }
    let mut tsc = steps.command("node");
    tsc.arg(installed.join("typescript/bin/tsc"));
    tsc.args(["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"]);
    tsc.args(["--types", "node", "--typeRoots"]).arg(installed.join("@types"));
    steps.run("node types", tsc.arg("test/types.mts").current_dir(package))
}

/// The file name that the system gives a dynamic library.
fn library(name: &str) -> String {
    format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// The test files by name: `node --test` reads folders and patterns differently from version to version.
fn tests_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
