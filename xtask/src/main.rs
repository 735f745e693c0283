//! One command for each job of a contributor; `cargo xtask` alone lists them.
//!
//! In: a verb. Out: the steps it takes, each printed with the command it runs and the time it took;
//! the first that fails ends the run by its name. Needs cargo alone; installs nothing globally.

#![allow(
    clippy::disallowed_methods,
    reason = "a tool at the border may read clock and environment"
)]

mod node;
mod python;
mod rust;
mod steps;

use std::process::ExitCode;

use steps::Steps;

const USAGE: &str = "\
cargo xtask VERB [--all]

  test     all tests: Rust, then Python and Node where they are found
             --all   a missing Python or Node is a failure, not a skip
  check    formatting, and clippy over every set of features that matters
  docs     the documentation, warnings denied
  python   builds the Python package into a virtual environment under target/, tests it
  node     builds the Node package in place, tests it
  card     what a graphics card does: its tests and both its benches, with every figure that the
           README is to have; FORESCALE_GPU, FORESCALE_GPU_GBPS and FORESCALE_GPU_TFLOPS as there
  ci       check, test --all, docs
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (verb, all) = match words[..] {
        [verb] => (verb, false),
        [verb @ "test", "--all"] => (verb, true),
        _ => ("", false),
    };

    let mut steps = Steps::new();
    let done = match verb {
        "check" => rust::check(&mut steps),
        "test" => test(&mut steps, all),
        "docs" => rust::docs(&mut steps),
        "python" => python::test(&mut steps, true),
        "node" => node::test(&mut steps, true),
        "card" => rust::card(&mut steps),
        "ci" => rust::check(&mut steps)
            .and_then(|()| test(&mut steps, true))
            .and_then(|()| rust::docs(&mut steps)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };

    steps.print_summary();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask {verb}: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Rust first, as the bindings stand on it.
fn test(steps: &mut Steps, all: bool) -> Result<(), String> {
    rust::test(steps)?;
    python::test(steps, all)?;
    node::test(steps, all)
}
