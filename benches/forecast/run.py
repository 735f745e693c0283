"""Forecasts a folder of traces from rolling origins with forescale and its peers, and compares them.

    python benches/forecast/run.py TRACES          # or FORESCALE_TRACES=..., `--help` for the rest

Installs the peers and forescale itself into an environment under cargo's target directory, prints a
Markdown table a set, and leaves it there as `forecast.md` with the raw scores as CSV and the rows as JSON.
CPU seconds are those of one thread, from history alone to quantiles; packages are imported before.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))  # what the benchmarks have in common

import environment  # noqa: E402

SETS = "5m,1m,1h,m4,fleet"
EXTRAS = "flaircast, river, LightGBM and Prophet as well"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    folder = os.environ.get("FORESCALE_TRACES")
    add("traces", nargs="?", type=Path, default=folder, help="folder of NAME.csv.gz")
    add("--sets", default=SETS, help="which questions, with commas (%(default)s)")
    add("--every", type=int, default=1, metavar="N", help="every N-th column of a fleet alone")
    environment.arguments(parser, ours="auto", extras=EXTRAS)
    words = parser.parse_args()
    if words.traces is None:
        sys.exit("run.py: name the folder of traces, or set FORESCALE_TRACES")
    work = environment.work("forecast")
    environment.enter(HERE, work, words)

    import compare  # here, as it needs what was just installed

    compare.run(words, work)


if __name__ == "__main__":
    main()
