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
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))  # what the benchmarks have in common

import environment  # noqa: E402

KINDS = "auto,cusum,record,shape,shift,spike,stuck,variance"
EXTRAS = "pysad and a random cut forest as well, which take long"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = os.environ.get("FORESCALE_NAB")
    parser.add_argument("nab", nargs="?", type=Path, default=folder, help="folder of NAB")
    environment.arguments(parser, ours=KINDS, extras=EXTRAS)
    words = parser.parse_args()
    if words.nab is None:
        sys.exit("run.py: name the folder of NAB, or set FORESCALE_NAB")
    work = environment.work("anomaly")
    environment.enter(HERE, work, words)

    import compare  # here, as it needs what was just installed

    try:
        compare.run(words, work)
    except ValueError as error:
        sys.exit(f"run.py: {error}")


if __name__ == "__main__":
    main()
