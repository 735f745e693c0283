"""Reads the Numenta Anomaly Benchmark: series with their labelled windows.

In: a folder, or the packed part of one. Out: `Series`, in the order of their names. Knows no detector
and no score.
"""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DAY = 86_400
# The folders of NAB, as they are called in the tables.
CATEGORIES = {
    "artificialNoAnomaly": "artificial",
    "artificialWithAnomaly": "artificial",
    "realAWSCloudwatch": "CloudWatch",
    "realAdExchange": "ad exchange",
    "realKnownCause": "known cause",
    "realTraffic": "traffic",
    "realTweets": "tweets",
}


@dataclass(frozen=True)
class Series:
    """One file of NAB. `windows` are the first and the last row of each labelled window."""

    name: str
    # Epoch seconds; the clock in the file is local and taken as it stands.
    times: NDArray[np.int64]
    values: Floats
    windows: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def category(self) -> str:
        folder = self.name.split("/")[0]
        return CATEGORIES.get(folder, folder)

    @property
    def n_unscored(self) -> int:
        """The rows at the start that a detector may learn from without being scored."""
        return min(int(0.15 * len(self)), 750)

    @cached_property
    def step(self) -> int:
        """Seconds: the middle one of the first distances of two rows, doubled rows aside."""
        distances = np.diff(self.times[:201])
        return int(np.median(distances[distances > 0]))

    @property
    def season(self) -> int:
        """Rows a day."""
        return round(DAY / self.step)

    @property
    def days(self) -> float:
        """Days that are scored."""
        return (len(self) - self.n_unscored) * self.step / DAY

    @cached_property
    def labelled(self) -> Bools:
        """Whether a row lies in a window."""
        inside = np.zeros(len(self), dtype=np.bool_)
        for first, last in self.windows:
            inside[first : last + 1] = True
        return inside


def read(folder: Path) -> list[Series]:
    """All series of a folder, with `combined_windows.json` in it or under `labels/`.

    The files are `data/CATEGORY/NAME.csv`, or those in the `.tar.gz` beside it.
    """
    places = [folder / "combined_windows.json", folder / "labels" / "combined_windows.json"]
    labels = next((place for place in places if place.exists()), None)
    if labels is None:
        raise ValueError(f"{folder} has no combined_windows.json")
    windows = json.loads(labels.read_text())
    found = [_series(name, text, windows) for name, text in sorted(_files(folder))]
    if not found:
        raise ValueError(f"{folder} has neither data/CATEGORY/NAME.csv nor a .tar.gz of such files")
    return found


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """`CATEGORY/NAME.csv` and the text of it."""
    plain = list(folder.glob("data/*/*.csv"))
    for path in plain:
        yield f"{path.parent.name}/{path.name}", path.read_text()
    for packed in [] if plain else folder.glob("*.tar.gz"):
        with tarfile.open(packed) as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts
                file = archive.extractfile(member) if member.name.endswith(".csv") else None
                if file is not None and len(parts) >= 3 and parts[-3] == "data":
                    yield "/".join(parts[-2:]), file.read().decode()


def _series(name: str, text: str, windows: dict[str, list[list[str]]]) -> Series:
    if name not in windows:
        raise ValueError(f"combined_windows.json does not name {name}")
    rows = list(csv.DictReader(text.splitlines()))
    times = np.array([_seconds(row["timestamp"]) for row in rows], dtype=np.int64)
    values = np.array([float(row["value"]) for row in rows])
    within = []
    for first, last in windows[name]:
        at = np.flatnonzero((times >= _seconds(first)) & (times <= _seconds(last)))
        within.append((int(at[0]), int(at[-1])))
    return Series(name, times, values, tuple(within))


def _seconds(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp())
