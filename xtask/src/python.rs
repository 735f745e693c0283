//! The Python package: a virtual environment under the target directory, a dev build, pytest.

use crate::steps::{Steps, answer_of};

/// What building and testing need; the package itself needs nothing.
const REQUIREMENTS: [&str; 5] = ["maturin>=1.16,<2", "pytest", "mypy", "numpy", "pandas"];

/// Builds the package as a developer does and runs its tests.
pub(crate) fn test(steps: &mut Steps, required: bool) -> Result<(), String> {
    let Some(python) = find(steps) else {
        return steps.skip("python", "no Python 3.11 or later found", required);
    };
    let venv = steps.target.join("venv");
    let bin = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let inside = bin.join("python");
    if answer_of(steps.command(&inside).args(["-m", "pip", "--version"])).is_none() {
        if answer_of(steps.command(python).args(["-c", "import ensurepip"])).is_none() {
            let why = "this Python cannot make virtual environments; on Debian and Ubuntu the \
                       package `python3-venv` is missing";
            return steps.skip("python", why, required);
        }
        let mut make = steps.command(python);
        steps.run("python environment", make.args(["-m", "venv", "--clear"]).arg(&venv))?;
    }
    let mut pip = steps.command(&inside);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    steps.run("python requirements", pip.args(REQUIREMENTS))?;

    let package = steps.root.join("python");
    let mut develop = steps.command(bin.join("maturin"));
    develop.args(["develop", "--quiet"]).env("VIRTUAL_ENV", &venv).current_dir(&package);
    steps.run("python build", &mut develop)?;
    let mut pytest = steps.command(&inside);
    steps.run("python tests", pytest.args(["-m", "pytest", "-q", "tests"]).current_dir(&package))
}

/// The first interpreter on the path that is new enough.
fn find(steps: &Steps) -> Option<&'static str> {
    let is_new_enough = "import sys; sys.exit(sys.version_info < (3, 11))";
    ["python3", "python"]
        .into_iter()
        .find(|name| answer_of(steps.command(name).args(["-c", is_new_enough])).is_some())
}
