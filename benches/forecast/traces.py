"""Reads a folder of traces and chooses what is forecast: series, origins, horizons.

In: a folder of `NAME.csv.gz` with `timestamp,value` (one series) or `timestamp,s0,s1,...` (a fleet).
Out: `Task`s, the same for every model. Knows no model and no score.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY = 86_400
N_ORIGINS = 8
# Thirds of the day would repeat; with 5 coprime to 8 successive origins lie five eighths of a day apart.
PHASE_STRIDE = 5


@dataclass(frozen=True)
class Set:
    """One question asked of many series."""

    name: str
    title: str
    # Seconds; `None` keeps the step of the trace.
    step: int | None
    # Seconds to forecast and seconds of history a model may see.
    horizon: int
    history: int
    n_origins: int = N_ORIGINS


SETS = {
    s.name: s
    for s in (
        Set("5m", "next hour at 5 minutes", 300, 3_600, 28 * DAY),
        Set("1m", "next 30 minutes at 1 minute", 60, 1_800, 28 * DAY),
        Set("1h", "next 24 hours, hourly", 3_600, DAY, 60 * DAY),
        Set("m4", "M4 hourly, next 48 hours", 3_600, 2 * DAY, 60 * DAY, n_origins=1),
        Set("fleet", "fleets of VMs and GPUs, next hour", None, 3_600, 28 * DAY, n_origins=4),
    )
}


@dataclass(frozen=True)
class Series:
    """Values on a regular step. `trace` names the row of the table it counts for."""

    trace: str
    column: str
    start: int
    step: int
    values: Floats

    @cached_property
    def season(self) -> int:
        """Samples a day."""
        return round(DAY / self.step)


@dataclass(frozen=True)
class Task:
    """One forecast: `history` ends where `truth` begins."""

    series: Series
    # Index in `series` of the first value to forecast.
    origin: int
    horizon: int
    max_history: int

    @property
    def key(self) -> str:
        return f"{self.series.trace}/{self.series.column}/{self.origin}"

    @property
    def history(self) -> Floats:
        return self.series.values[max(0, self.origin - self.max_history) : self.origin]

    @property
    def times(self) -> NDArray[np.int64]:
        """Epoch seconds of `history`."""
        first = max(0, self.origin - self.max_history)
        return self.series.start + self.series.step * np.arange(first, self.origin)

    @property
    def truth(self) -> Floats:
        return self.series.values[self.origin : self.origin + self.horizon]

    @property
    def season(self) -> int:
        """Samples a day, or 1 where the history does not hold a day: the naive forecast is then the last value."""
        return self.series.season if len(self.history) > self.series.season else 1


def tasks(folder: Path, chosen: Set, every: int = 1) -> list[Task]:
    """All forecasts of a set, in the order of the file names; `every` thins out the columns of fleets."""
    series = list(_series(folder, chosen, every))
    found: list[Task] = []
    for one in series:
        horizon = round(chosen.horizon / one.step)
        max_history = round(chosen.history / one.step)
        if chosen.name == "m4":
            origins = [len(one.values) - horizon]
        else:
            origins = evenly_spaced(len(one.values), horizon, one.season, chosen.n_origins)
        found += [Task(one, origin, horizon, max_history) for origin in origins]
    return found


def evenly_spaced(n: int, horizon: int, season: int, n_origins: int) -> list[int]:
    """Origins over the last 40 % of `n` samples, each at another time of day.

    Where that part is shorter than a day the time of day is left as it falls.
    """
    first, last = int(0.6 * n), n - horizon
    if last - first < 2 * season:
        return [first + (last - first) * k // max(1, n_origins - 1) for k in range(n_origins)]
    origins = []
    for k in range(n_origins):
        even = first + (last - season - first) * k // max(1, n_origins - 1)
        phase = (k * PHASE_STRIDE % N_ORIGINS) * season // N_ORIGINS
        origins.append(even + (phase - even) % season)
    return origins


def _series(folder: Path, chosen: Set, every: int) -> Iterator[Series]:
    if chosen.name == "m4":
        train, test = folder / "fleet_m4_hourly_train.csv.gz", folder / "fleet_m4_hourly_test.csv.gz"
        if train.exists() and test.exists():
            start, step, before = _read(train)
            _, _, after = _read(test)
            for column, values in list(before.items())[::every]:
                yield Series("m4_hourly", column, start, step, np.concatenate([values, after[column]]))
        return
    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        if name.startswith("fleet_") != (chosen.name == "fleet") or "m4" in name:
            continue
        start, step, columns = _read(path)
        if chosen.step is not None and step > chosen.step:
            continue
        width = round((chosen.step or step) / step)
        # Large fleets weigh no more than small ones, and do not take the day.
        stride = every * max(1, len(columns) // 50) if chosen.name == "fleet" else 1
        for column, values in list(columns.items())[::stride]:
            averaged = values[: len(values) // width * width].reshape(-1, width).mean(axis=1)
            one = Series(name, column, start, step * width, averaged)
            # Hourly series need some days before the first origin, or there is no week to learn.
            if chosen.name != "1h" or len(averaged) >= 14 * one.season:
                yield one


def _read(path: Path) -> tuple[int, int, dict[str, Floats]]:
    """First time, step and columns; a column that ends early is cut there."""
    with gzip.open(path, "rt", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        table = list(rows)
    start, step = int(table[0][0]), int(table[1][0]) - int(table[0][0])
    columns = {}
    for place, name in enumerate(header[1:], start=1):
        cells = [row[place] for row in table]
        columns[name] = np.array([float(cell) for cell in cells if cell], dtype=np.float64)
    return start, step, columns
