"""Runs every model over every task, and writes what came of it.

In: the words of the command line. Out: tables on standard output, and files in the work folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import pickle
import sys
import time
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np

import models
import tables
import traces
from models import Model
from scores import BASE, QUANTILES, Row, Score, rows, score
from traces import Floats, Task

Answer = tuple[Floats | None, float]


def run(words: argparse.Namespace, work: Path) -> None:
    """All sets named, each with all models named; seasonal naive always runs, as the measure."""
    peers = models.PEERS + (models.EXTRAS if words.extras else [])
    if words.peers is not None:
        wanted = [word.strip().lower() for word in words.peers.split(",")]
        peers = [m for m in peers if m.name == BASE or any(w in m.name.lower() for w in wanted if w)]
    chosen = [models.ours(kind) for kind in words.ours.split(",") if kind] + peers
    results, text = work / "results", []
    results.mkdir(parents=True, exist_ok=True)
    for name in words.sets.split(","):
        one = traces.SETS[name]
        tasks = traces.tasks(words.traces, one, words.every)
        if not tasks:
            continue
        scores = _score_all(chosen, one, tasks, work / "cache" / name, words.fresh)
        summary = rows(scores, by_series=name == "m4")
        text.append(tables.of_set(one, tasks, summary))
        print("\n" + text[-1], flush=True)
        if name != "m4":
            text.append(tables.of_traces(scores))
        _write(results / name, scores, summary)
    (work / "forecast.md").write_text("\n".join(text))
    print(f"\n{work / 'forecast.md'}; raw scores in {results}")


def _score_all(
    chosen: list[Model], one: traces.Set, tasks: list[Task], cache: Path, fresh: bool
) -> dict[str, list[Score]]:
    """By model; a forecast that is missing or not finite counts as the seasonal naive one."""
    naive = {task.key: models.seasonal_naive(task) for task in tasks}
    scores = {}
    for model in chosen:
        every = model.every if tasks[0].series.step < 3_600 else 1
        own = []
        for task, (values, seconds) in _answers(model, tasks[::every], cache, fresh):
            abstained = values is None or not bool(np.isfinite(values).all())
            stands = naive[task.key] if values is None or abstained else values
            own.append(score(model.name, task, stands, seconds, abstained=abstained))
        scores[model.name] = own
    return scores


def _answers(
    model: Model, tasks: list[Task], cache: Path, fresh: bool
) -> list[tuple[Task, Answer]]:
    """Of the peers' forecasts those that stand in the cache are read; ours always run."""
    known: dict[str, Answer] = {}
    file = None
    if model.package is not None:
        name = model.name.replace(" ", "_").replace(",", "")
        file = cache / f"{name}-{version(model.package)}.pickle"
        if file.exists() and not fresh:
            known = pickle.loads(file.read_bytes())
    keys = [f"{task.key}/{zlib.crc32(task.history.tobytes())}/{task.horizon}" for task in tasks]
    missing = [at for at, key in enumerate(keys) if key not in known]
    if missing:
        forecast = model.load()
        _ask(model, forecast, tasks[missing[0]])  # compiles and warms up; not counted
    for count, at in enumerate(missing):
        known[keys[at]] = _ask(model, forecast, tasks[at])
        # What takes long is worth keeping when the run is broken off.
        if file is not None and (count % 50 == 49 or at == missing[-1]):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(pickle.dumps(known))
            print(f"{model.name}: {count + 1} of {len(missing)}", file=sys.stderr, flush=True)
    return [(task, known[key]) for task, key in zip(tasks, keys, strict=True)]


def _ask(model: Model, forecast: models.Run, task: Task) -> Answer:
    start = time.process_time()
    try:
        values = forecast(task)
    except Exception as error:
        if model.package is None:
            raise  # ours abstains with a reason, it does not fail
        print(f"{model.name} at {task.key}: {error!r}", file=sys.stderr)
        values = None
    return values, time.process_time() - start


def _write(stem: Path, scores: dict[str, list[Score]], summary: list[Row]) -> None:
    lines = [one.flat() for own in scores.values() for one in own]
    with stem.with_suffix(".csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(lines[0]))
        table.writeheader()
        table.writerows(lines)
    found = {"quantiles": QUANTILES, "rows": [vars(row) | {"owa": row.owa} for row in summary]}
    stem.with_suffix(".json").write_text(json.dumps(found, indent=1, default=float))
