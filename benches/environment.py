"""The environment in which a benchmark runs beside its peers.

In: the benchmark's script and its words. Out: the same script, run by a Python that has the peers at
pinned versions and forescale from this checkout in release, on one thread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON", "NUMEXPR")


def work(name: str) -> Path:
    """Where a benchmark keeps its environment and its tables."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / f"bench-{name}"


def arguments(parser: argparse.ArgumentParser, *, ours: str, extras: str) -> None:
    """What every benchmark can be told."""
    add = parser.add_argument
    add("--ours", default=ours, help="kinds of ours, with commas (%(default)s)")
    add("--peers", help="only peers whose name has one of these words, with commas")
    add("--extras", action="store_true", help=extras)
    add("--fresh", action="store_true", help="run the peers again rather than read what they last said")
    add("--as-installed", action="store_true", help="install and build nothing")


def enter(script: Path, folder: Path, words: argparse.Namespace) -> None:
    """Returns within the environment; outside, runs the script there and exits as it does."""
    venv = folder / "venv"
    if Path(sys.prefix).resolve() == venv.resolve():
        return
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if not words.as_installed:
        _install(python, script.parent, words)
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ONE_THREAD}
    command = [python, script, *sys.argv[1:]]
    sys.exit(subprocess.run(command, env=os.environ | one_thread, check=False).returncode)


def _install(python: Path, requirements: Path, words: argparse.Namespace) -> None:
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    extras = ["-r", requirements / "requirements-extras.txt"] if words.extras else []
    subprocess.run([*pip, "-r", requirements / "requirements.txt", *extras], check=True)
    if words.ours:
        subprocess.run([*pip, "--no-deps", "--force-reinstall", ROOT / "python"], check=True)
