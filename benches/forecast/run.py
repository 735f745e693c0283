"""Forecasts a folder of traces from rolling origins with forescale and its peers, and compares them.

    python benches/forecast/run.py TRACES          # or FORESCALE_TRACES=..., `--help` for the rest

Installs the peers and forescale itself into an environment under cargo's target directory, prints a
Markdown table a set, and leaves it there as `forecast.md` with the raw scores as CSV and the rows as JSON.
CPU seconds are those of one thread, from history alone to quantiles; packages are imported before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "bench-forecast"
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON", "NUMEXPR")


def main() -> None:
    words = arguments().parse_args()
    if words.traces is None:
        sys.exit("run.py: name the folder of traces, or set FORESCALE_TRACES")
    python = WORK / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if Path(sys.prefix).resolve() != (WORK / "venv").resolve():
        install(python, words)
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ONE_THREAD}
        command = [python, __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | one_thread, check=False).returncode)

    import compare  # here, as it needs what was just installed

    compare.run(words, WORK)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    folder = os.environ.get("FORESCALE_TRACES")
    add("traces", nargs="?", type=Path, default=folder, help="folder of NAME.csv.gz")
    add("--sets", default="5m,1m,1h,m4,fleet", help="which questions, with commas (%(default)s)")
    add("--ours", default="auto", help="kinds of our forecasters, with commas (%(default)s)")
    add("--peers", help="only peers whose name has one of these words, with commas")
    add("--extras", action="store_true", help="flaircast, river, LightGBM and Prophet as well")
    add("--every", type=int, default=1, metavar="N", help="every N-th column of a fleet alone")
    add("--fresh", action="store_true", help="run the peers again rather than read their last forecasts")
    add("--as-installed", action="store_true", help="install and build nothing")
    return parser


def install(python: Path, words: argparse.Namespace) -> None:
    """Peers at pinned versions, then forescale from this checkout in release."""
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
    if words.as_installed:
        return
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    extras = ["-r", HERE / "requirements-extras.txt"] if words.extras else []
    subprocess.run([*pip, "-r", HERE / "requirements.txt", *extras], check=True)
    if words.ours:
        subprocess.run([*pip, "--no-deps", "--force-reinstall", ROOT / "python"], check=True)


if __name__ == "__main__":
    main()
