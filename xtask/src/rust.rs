//! The Rust side: formatting, clippy, tests, documentation.

use crate::steps::{Steps, answer_of};

/// Every feature beside the default ones; one set for all steps, so that each crate is built once.
const FEATURES: &str = "augurs,csv,gpu,ml,report,schema";

/// Sets of features that a host may choose and that no other step compiles.
const FEWER_FEATURES: [(&str, &[&str]); 3] = [
    ("clippy without features", &["--no-default-features"]),
    ("clippy with schedule alone", &["--no-default-features", "--features", "schedule"]),
    ("clippy with default features", &[]),
];

/// Formatting, and clippy over every set of features that matters.
pub(crate) fn check(steps: &mut Steps) -> Result<(), String> {
    let mut fmt = steps.cargo(["fmt", "--all", "--check"]);
    steps.run("fmt", &mut fmt)?;
    let mut clippy =
        steps.cargo(["clippy", "--workspace", "--all-targets", "--features", FEATURES]);
    steps.run("clippy", clippy.args(["--", "-D", "warnings"]))?;
    for (step, features) in FEWER_FEATURES {
        let mut clippy = steps.cargo(["clippy", "--lib"]);
        steps.run(step, clippy.args(features).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// Unit, integration and example tests, the conformance table, the examples in the documentation.
pub(crate) fn test(steps: &mut Steps) -> Result<(), String> {
    let targets = ["--features", FEATURES, "--lib", "--tests", "--examples"];
    if answer_of(&mut steps.cargo(["nextest", "--version"])).is_some() {
        // nextest cannot list what has no harness: the table of conformance runs by itself.
        let mut nextest = steps.cargo(["nextest", "run", "--no-fail-fast"]);
        steps.run("tests", nextest.args(targets).args(["-E", "not binary(conformance)"]))?;
        let mut table = steps.cargo(["test", "--features", FEATURES, "--test", "conformance"]);
        steps.run("conformance", &mut table)?;
    } else {
        let mut tests = steps.cargo(["test", "--no-fail-fast"]);
        steps.run("tests", tests.args(targets))?;
    }
    let mut doc_tests = steps.cargo(["test", "--doc", "--features", FEATURES]);
    steps.run("doc tests", &mut doc_tests)
}

/// What a graphics card does: that it is right, and how fast it is.
pub(crate) fn card(steps: &mut Steps) -> Result<(), String> {
    let build = ["--release", "--features", FEATURES];
    let mut tests = steps.cargo(["test"]);
    tests.args(build).args(["--test", "gpu", "--test", "tune_on_card", "--", "--nocapture"]);
    steps.run("tests of the card", tests.env("FORESCALE_REQUIRE_GPU", "1"))?;
    for bench in ["panel", "tune"] {
        let mut figures = steps.cargo(["bench", "--features", FEATURES, "--bench", bench]);
        steps.run(bench, &mut figures)?;
    }
    Ok(())
}

/// The documentation of the core, warnings denied.
pub(crate) fn docs(steps: &mut Steps) -> Result<(), String> {
    let mut docs = steps.cargo(["doc", "--no-deps", "--features", FEATURES]);
    steps.run("docs", docs.env("RUSTDOCFLAGS", "-D warnings"))
}
