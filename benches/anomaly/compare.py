"""Runs every detector over every series, and writes what came of it.

In: the words of the command line. Out: tables on standard output, and files in the work folder.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import time
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np

import detectors
import nab
import tables
from detectors import Detector, Run
from nab import Series
from scores import Answer, Row, row

Known = dict[str, Answer]


def run(words: argparse.Namespace, work: Path) -> None:
    """All detectors that were asked for; the baselines always run, as the measure."""
    peers = detectors.PEERS + (detectors.EXTRAS if words.extras else [])
    if words.peers is not None:
        wanted = [word.strip().lower() for word in words.peers.split(",")]
        peers = [one for one in peers if any(w in one.name.lower() for w in wanted if w)]
    chosen = [detectors.ours(kind) for kind in words.ours.split(",") if kind]
    series = nab.read(words.nab)
    rows: list[Row] = []
    for detector in chosen + peers + detectors.BASELINES:
        answers = _answers(detector, series, work / "cache", words.fresh)
        rows.append(row(detector.name, series, answers, detector.default))
        print(f"{detector.name}: {rows[-1].tuned}", file=sys.stderr, flush=True)
    n_windows = sum(len(one.windows) for one in series)
    text = tables.of_detectors(rows, len(series), n_windows) + "\n" + tables.of_categories(rows)
    print("\n" + text)
    work.mkdir(parents=True, exist_ok=True)
    (work / "anomaly.md").write_text(text)
    found = {"files": [one.name for one in series], "rows": [one.flat() for one in rows]}
    (work / "anomaly.json").write_text(json.dumps(found, indent=1, default=float))
    print(f"{work / 'anomaly.md'}; the rows in {work / 'anomaly.json'}")


def _answers(detector: Detector, series: list[Series], cache: Path, fresh: bool) -> list[Answer]:
    """Of the peers' answers those that stand in the cache are read; ours always run."""
    known: Known = {}
    file = None
    if detector.package is not None:
        name = detector.name.replace(" ", "_")
        file = cache / f"{name}-{version(detector.package)}.pickle"
        if file.exists() and not fresh:
            known = pickle.loads(file.read_bytes())
    keys = [f"{one.name}/{zlib.crc32(one.values.tobytes())}" for one in series]
    missing = [at for at, key in enumerate(keys) if key not in known]
    if missing:
        ask = detector.load()
        _ask(detector, ask, series[missing[0]])  # compiles and warms up; not counted
    for at in missing:
        known[keys[at]] = _ask(detector, ask, series[at])
    if missing and file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(known))
    return [known[key] for key in keys]


def _ask(detector: Detector, ask: Run, series: Series) -> Answer:
    """A peer that fails is silent; a score that is no number is below all others."""
    start = time.process_time()
    try:
        scores, chances = ask(series)
        failed = False
    except Exception as error:
        if detector.package is None:
            raise  # ours does not fail
        print(f"{detector.name} at {series.name}: {error!r}", file=sys.stderr)
        scores, chances, failed = np.full(len(series), -np.inf), np.ones(len(series)), True
    seconds = time.process_time() - start
    return Answer(np.where(np.isnan(scores), -np.inf, scores), chances, seconds, failed)
