"""Scores detectors of anomalies on the Numenta Anomaly Benchmark: forescale, its peers, plain baselines.

    python benches/anomaly/run.py NAB          # or FORESCALE_NAB=..., `--help` for the rest

NAB is a folder with `combined_windows.json` and `data/CATEGORY/NAME.csv`, or those packed as `.tar.gz`.
Installs the peers and forescale itself into an environment under cargo's target directory, prints
Markdown tables, and leaves them there as `anomaly.md` with the rows as JSON. CPU seconds are those of
one thread, from values to scores; packages are imported before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "bench-anomaly"
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "RAYON", "NUMEXPR")
KINDS = "auto,cusum,record,shape,shift,spike,stuck,variance"


def main() -> None:
    words = arguments().parse_args()
    if words.nab is None:
        sys.exit("run.py: name the folder of NAB, or set FORESCALE_NAB")
    python = WORK / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if Path(sys.prefix).resolve() != (WORK / "venv").resolve():
        install(python, words)
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ONE_THREAD}
        command = [python, __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | one_thread, check=False).returncode)

    import compare  # here, as it needs what was just installed

    try:
        compare.run(words, WORK)
    except ValueError as error:
        sys.exit(f"run.py: {error}")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("nab", nargs="?", type=Path, default=os.environ.get("FORESCALE_NAB"), help="folder of NAB")
    add("--ours", default=KINDS, help="kinds of our detectors, with commas (%(default)s)")
    add("--peers", help="only peers whose name has one of these words, with commas")
    add("--extras", action="store_true", help="pysad and a random cut forest as well, which take long")
    add("--fresh", action="store_true", help="run the peers again rather than read their last scores")
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
