//! The order of the rooms: a room uses only rooms above it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order of the data; those of one line know each other.
const ORDER: &[&[&str]] = &[
    &["error"],
    &["time"],
    &["explain"],
    &["catalog"],
    &["series"],
    &["detect"],
    &["gpu"],
    &["forecast"],
    &["demand"],
    &["capacity"],
    &["policy"],
    &["guard"],
    &["combine"],
    &["zero"],
    &["decide", "config"],
    &["manifest"],
    &["sim"],
    &["tune"],
    &["lint"],
    &["size"],
];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

fn level(room: &str) -> Option<usize> {
    ORDER.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn each_room_uses_only_rooms_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 20, "only {} files found under {}", files.len(), src.display());

    let mut breaches = Vec::new();
    for file in files {
        let inner = file.strip_prefix(&src).unwrap();
        let first = inner.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if room == "lib" || room == "testing" {
            continue;
        }
        let own = level(room).unwrap_or_else(|| panic!("the room `{room}` is missing in ORDER"));
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue; // documentation may point down
            }
            for used in code.split("crate::").skip(1) {
                let name: String =
                    used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if level(&name).is_some_and(|used| used > own) {
                    breaches.push(format!("{}:{} uses {name}", inner.display(), number + 1));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "a room uses a room below it:\n{}", breaches.join("\n"));
}

#[test]
fn no_file_of_the_core_reads_a_clock_or_the_environment() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let forbidden = [
        "SystemTime",
        "Instant",
        "std::env",
        "std::net",
        "std::fs",
        "Timestamp::now",
        "Zoned::now",
    ];
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            for word in forbidden {
                let place = format!("{}:{}", file.display(), number + 1);
                assert!(!code.contains(word), "{place} reads `{word}`: {code}");
            }
        }
    }
}

/// The platform's mathematical library rounds as it likes; `libm` gives the same bits everywhere.
#[test]
fn no_file_of_the_core_calls_the_platforms_transcendental_functions() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let names = [
        "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "powf", "powi", "sin",
        "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "atan2", "cbrt", "hypot",
    ];
    for file in files {
        let is_test = |name: &str| name.starts_with("test");
        if file.iter().any(|part| is_test(&part.to_string_lossy())) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for name in names {
                let place = format!("{}:{}", file.display(), number + 1);
                assert!(!line.contains(&format!(".{name}(")), "{place} calls `{name}`: {line}");
            }
        }
    }
}
