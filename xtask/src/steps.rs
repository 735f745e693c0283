//! Runs commands one after the other, and remembers what each took.
//!
//! In: a name and a command. Out: its text and time on standard error, an error with the step's name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The steps taken so far, and where they happen.
pub(crate) struct Steps {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, absolute; virtual environments and the like live there too.
    pub(crate) target: PathBuf,
    taken: Vec<(String, Outcome)>,
}

enum Outcome {
    Done(Duration),
    Failed(Duration),
    Skipped(String),
}

impl Steps {
    pub(crate) fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root");
        // This program is TARGET/debug/xtask, whichever way cargo was told the directory.
        let program = std::env::current_exe().expect("the system tells a program's own path");
        let target = program.ancestors().nth(2).expect("cargo builds into TARGET/PROFILE");
        Self { root: root.to_owned(), target: target.to_owned(), taken: Vec::new() }
    }

    /// A command that runs in the repository with this target directory.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // Absolute, so that it means the same to a command that starts in a subdirectory.
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// `cargo` with these words.
    pub(crate) fn cargo<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(words);
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&mut self, step: &str, command: &mut Command) -> Result<(), String> {
        self.take(step, &text_of(command), || match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Does something that is no command; `what` is printed in its place.
    pub(crate) fn take(
        &mut self,
        step: &str,
        what: &str,
        action: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        eprintln!("\n==> {step}: {what}");
        let start = Instant::now();
        let outcome = action();
        let took = start.elapsed();
        eprintln!("<== {step}: {:.1} s", took.as_secs_f64());
        match outcome {
            Ok(()) => {
                self.taken.push((step.to_owned(), Outcome::Done(took)));
                Ok(())
            }
            Err(why) => {
                self.taken.push((step.to_owned(), Outcome::Failed(took)));
                Err(format!("step `{step}` failed ({why}): {what}"))
            }
        }
    }

    /// Names what is left out; an error if nothing may be.
    pub(crate) fn skip(&mut self, step: &str, why: &str, required: bool) -> Result<(), String> {
        if required {
            return Err(format!("step `{step}` failed: {why}"));
        }
        eprintln!("\n==> {step}: skipped, {why}");
        self.taken.push((step.to_owned(), Outcome::Skipped(why.to_owned())));
        Ok(())
    }

    /// One line a step, so that what was skipped is not lost in what was printed.
    pub(crate) fn print_summary(&self) {
        eprintln!();
        for (step, outcome) in &self.taken {
            match outcome {
                Outcome::Done(took) => eprintln!("{:>9.1} s  {step}", took.as_secs_f64()),
                Outcome::Failed(took) => eprintln!("{:>9.1} s  {step} FAILED", took.as_secs_f64()),
                Outcome::Skipped(why) => eprintln!("    skipped  {step}: {why}"),
            }
        }
    }
}

/// What a program prints on standard output, if it can be run and succeeds.
pub(crate) fn answer_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// The command as one would type it, from the file name of the program.
fn text_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy();
    let words = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}
