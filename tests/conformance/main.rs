//! Conformance with the autoscalers whose arithmetic we promise to reproduce.
//!
//! In: every `*.json` of the directory `FORESCALE_CONFORMANCE_DIR` (default: this one), each a file
//! of cases of one family. Out: a table of passed and failed per family and operation, each failed
//! case with what was expected and what came, and the exit status. Families that are not
//! implemented are listed with their number of cases and fail nothing; an unknown operation of an
//! implemented family fails.

#![allow(unreachable_pub, reason = "the modules of one binary are all of its public")]

mod compare;
mod hpa_behavior;
mod hpa_replicas;
mod input;
mod keda;
mod knative_kpa;
mod nomad_strategies;
mod vpa_histogram;
mod wpa_watermark;

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

/// Answers one operation of a family through the library's public types: `None` if the operation
/// is unknown, `{"error": ...}` for a refusal.
type Answer = fn(op: &str, input: &Value) -> Option<Value>;

/// The implemented families, a module and a line each.
const FAMILIES: &[(&str, Answer)] = &[
    ("hpa_behavior", hpa_behavior::answer),
    ("hpa_replicas", hpa_replicas::answer),
    ("keda", keda::answer),
    ("knative_kpa", knative_kpa::answer),
    ("nomad_strategies", nomad_strategies::answer),
    ("vpa_histogram", vpa_histogram::answer),
    ("wpa_watermark", wpa_watermark::answer),
];

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
}

#[derive(Default)]
struct Report {
    counts: BTreeMap<(String, String), Count>,
    not_implemented: BTreeMap<String, usize>,
    failures: Vec<String>,
}

fn main() -> ExitCode {
    let directory = directory();
    let mut report = Report::default();
    match files(&directory) {
        Ok(files) => {
            for file in files {
                if let Err(error) = report.run(&file) {
                    report.failures.push(format!("{}: {error}", file.display()));
                }
            }
        }
        Err(error) => report.failures.push(format!("{}: {error}", directory.display())),
    }
    report.print(&directory)
}

/// Where the files lie.
#[allow(clippy::disallowed_methods, reason = "the test reads the environment, the core does not")]
fn directory() -> PathBuf {
    std::env::var_os("FORESCALE_CONFORMANCE_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance"), Into::into)
}

/// The directory's `*.json`, sorted; none at all is an error, as it would pass unseen.
fn files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() { Err("has no *.json".to_owned()) } else { Ok(files) }
}

impl Report {
    fn run(&mut self, path: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let file: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let family = file["family"].as_str().ok_or("has no `family`")?;
        let cases = file["cases"].as_array().ok_or("has no `cases`")?;
        let Some((_, answer)) = FAMILIES.iter().find(|(known, _)| *known == family) else {
            *self.not_implemented.entry(family.to_owned()).or_default() += cases.len();
            return Ok(());
        };
        for case in cases {
            let op = case["op"].as_str().ok_or("has a case without `op`")?;
            let verdict = judge(*answer, op, case);
            let count = self.counts.entry((family.to_owned(), op.to_owned())).or_default();
            match verdict {
                Ok(()) => count.passed += 1,
                Err(why) => {
                    count.failed += 1;
                    self.failures.push(format!("{family} / {op} / {}: {why}", case["name"]));
                }
            }
        }
        Ok(())
    }

    fn print(&self, directory: &Path) -> ExitCode {
        println!("\nconformance with {}\n", directory.display());
        println!("{:<16} {:<26} {:>6} {:>6}", "family", "operation", "passed", "failed");
        let (mut passed, mut failed) = (0, 0);
        for ((family, op), count) in &self.counts {
            println!("{family:<16} {op:<26} {:>6} {:>6}", count.passed, count.failed);
            passed += count.passed;
            failed += count.failed;
        }
        for (family, n_cases) in &self.not_implemented {
            println!("{family:<16} not implemented, {n_cases} cases");
        }
        for failure in &self.failures {
            println!("\n{failure}");
        }
        let unread = self.failures.len() - failed;
        let is_ok = self.failures.is_empty();
        let verdict = if is_ok { "ok" } else { "FAILED" };
        println!(
            "\ntest result: {verdict}. {passed} passed; {failed} failed; {unread} unreadable\n"
        );
        if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Whether the library's answer to a case is the expected one; a panic is a failure of its case.
fn judge(answer: Answer, op: &str, case: &Value) -> Result<(), String> {
    let got = catch_unwind(|| answer(op, &case["input"]))
        .map_err(|_| "panicked (see above)".to_owned())?
        .ok_or_else(|| format!("the operation {op} is unknown"))?;
    compare::matches(&case["expect"], &got, case["rel_tol"].as_f64())
        .map_err(|why| format!("{why}\n  expected {}\n  got      {got}", case["expect"]))
}
