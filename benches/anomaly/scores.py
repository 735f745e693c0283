"""Scores a detector by the rule of the Numenta Anomaly Benchmark, and by what an operator sees.

In: series and the scores given to their rows. Out: a `Row` a detector. Knows no detector.

The rule (Lavin & Ahmad 2015): rows at or over a threshold are detections. The first one in a window
earns 1 at its start and less towards its end; each row outside costs, more the further it lies from the
last window; a missed window costs. Points are 0 for silence and 100 for perfection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nab import Bools, Floats, Series


@dataclass(frozen=True)
class Profile:
    """What one detected row outside and one missed window cost."""

    name: str
    false_row: float
    miss: float


STANDARD = Profile("standard", 0.11, 1.0)
PROFILES = (STANDARD, Profile("low_fp", 0.22, 1.0), Profile("low_fn", 0.11, 2.0))
# Rows for which an alarm stands, the next one is counted after them.
ALARM_ROWS = 12
# Claimed chances that are held against the real ones.
LEVELS = (1e-3, 1e-4)


@dataclass(frozen=True)
class Answer:
    """What a detector said of the rows of one series; the higher a score, the more abnormal."""

    scores: Floats
    # The chance of as much in a usual row, where the detector claims one.
    p_values: Floats | None = None
    cpu_seconds: float = 0.0
    failed: bool = False


@dataclass(frozen=True)
class Steps:
    """How the sum of one series grows, against silence, as the threshold falls to and under each score."""

    scores: Floats
    gains: Floats
    n_windows: int

    def at(self, threshold: float) -> float:
        return float(self.gains[self.scores >= threshold].sum())


def sigmoid(place: Floats) -> Floats:
    """From 1 far before to -1 far behind the end of a window, 0 at it."""
    return np.asarray(2.0 / (1.0 + np.exp(5.0 * place)) - 1.0)


def steps(series: Series, scores: Floats, profile: Profile) -> Steps:
    """All that one series adds, for every threshold at once."""
    where, gains = [], []
    scored = np.arange(len(series)) >= series.n_unscored
    outside = np.flatnonzero(scored & ~series.labelled)
    where.append(scores[outside])
    gains.append(-profile.false_row * _distance_cost(series)[outside])
    n_windows = 0
    for first, last in series.windows:
        rows = np.arange(max(first, series.n_unscored), last + 1)
        if not len(rows):
            continue
        n_windows += 1
        worth = sigmoid((rows - last - 1.0) / (last - first + 1)) / sigmoid(np.array(-1.0))
        # Only a row above all before it in the window is the first at some threshold. Under its own
        # score an earlier row takes its place.
        high = np.maximum.accumulate(scores[rows])
        new = np.concatenate([[True], scores[rows][1:] > high[:-1]])
        where.append(scores[rows][new])
        gains.append(worth[new] - np.append(worth[new][1:], -profile.miss))
    return Steps(np.concatenate(where), np.concatenate(gains), n_windows)


def _distance_cost(series: Series) -> Floats:
    """Of each row outside, from 0 right after a window to 1 far behind it and where none came yet."""
    cost = np.ones(len(series))
    for first, last in series.windows:  # a later window takes over what lies behind it
        place = np.arange(1, len(series) - last) / max(1, last - first)
        cost[last + 1 :] = np.where(place > 3.0, 1.0, np.abs(sigmoid(place)))
    return cost


def points(gain: float, n_windows: int, profile: Profile) -> float:
    """Of a sum against silence; not a number without a window."""
    return 100.0 * gain / (n_windows * (1.0 + profile.miss)) if n_windows else float("nan")


def best_threshold(all_steps: Iterable[Steps]) -> tuple[float, float]:
    """The highest sum against silence with one threshold for all, and that threshold; silence is infinite."""
    all_steps = list(all_steps)
    scores = np.concatenate([one.scores for one in all_steps])
    gains = np.concatenate([one.gains for one in all_steps])
    order = np.argsort(-scores, kind="stable")
    scores, sums = scores[order], np.cumsum(gains[order])
    last = np.append(scores[1:] != scores[:-1], True) & (scores > -np.inf)
    best = int(np.argmax(np.where(last, sums, -np.inf)))
    if not last.any() or sums[best] <= 0.0:
        return 0.0, float("inf")
    return float(sums[best]), float(scores[best])


def false_alarms(series: Series, over: Bools) -> int:
    """Alarms outside windows: of the rows that follow one, `ALARM_ROWS` with it make no new one."""
    count, free = 0, 0
    for row in np.flatnonzero(over & ~series.labelled):
        if row >= max(free, series.n_unscored):
            count, free = count + 1, row + ALARM_ROWS
    return count


def leads(series: Series, over: Bools) -> list[float]:
    """Minutes from the first detection of each window that was hit to the middle of the window."""
    found = []
    for first, last in series.windows:
        start = max(first, series.n_unscored)
        hits = np.flatnonzero(over[start : last + 1])
        if len(hits):
            middle = (series.times[first] + series.times[last]) / 2.0
            found.append(float(middle - series.times[start + hits[0]]) / 60.0)
    return found


@dataclass(frozen=True)
class AtThreshold:
    """What one threshold for all files comes to."""

    threshold: float
    points: dict[str, float]
    by_category: dict[str, float]
    alarms_per_day: float
    hit: float
    lead_minutes: float


@dataclass(frozen=True)
class Calibration:
    """How many times too often a chance of at most `level` was claimed where nothing is labelled."""

    level: float
    pooled: float
    # A tenth of the series have at least this.
    worst_tenth: float


@dataclass(frozen=True)
class Row:
    """A detector over all series."""

    detector: str
    # With the best threshold of each profile, and that of `STANDARD`.
    tuned: dict[str, float]
    at_tuned: AtThreshold
    # `STANDARD`, each category by the best threshold of the others.
    elsewhere: float
    # With the detector's own threshold, if it has one.
    at_default: AtThreshold | None
    calibration: list[Calibration] | None
    us_per_row: float
    n_failed: int

    def flat(self) -> dict[str, Any]:
        """As JSON has it."""
        flat = dict(vars(self))
        flat["at_tuned"] = vars(self.at_tuned)
        flat["at_default"] = self.at_default and vars(self.at_default)
        flat["calibration"] = self.calibration and [vars(one) for one in self.calibration]
        return flat


def row(
    detector: str, series: Sequence[Series], answers: Sequence[Answer], default: float | None
) -> Row:
    """All figures of one detector; `default` is its own threshold."""
    pairs = list(zip(series, answers, strict=True))
    grown = {p: [steps(s, a.scores, p) for s, a in pairs] for p in PROFILES}
    n_windows = sum(one.n_windows for one in grown[STANDARD])
    best = {p: best_threshold(grown[p]) for p in PROFILES}
    return Row(
        detector=detector,
        tuned={p.name: points(best[p][0], n_windows, p) for p in PROFILES},
        at_tuned=_at(best[STANDARD][1], pairs, grown),
        elsewhere=_elsewhere([s.category for s in series], grown[STANDARD]),
        at_default=None if default is None else _at(default, pairs, grown),
        calibration=calibration(pairs),
        us_per_row=1e6 * sum(a.cpu_seconds for a in answers) / sum(len(s) for s in series),
        n_failed=sum(a.failed for a in answers),
    )


def _at(
    threshold: float,
    pairs: Sequence[tuple[Series, Answer]],
    grown: Mapping[Profile, Sequence[Steps]],
) -> AtThreshold:
    over = [answer.scores >= threshold for _, answer in pairs]
    n_windows = sum(one.n_windows for one in grown[STANDARD])
    alarms = sum(false_alarms(s, o) for (s, _), o in zip(pairs, over, strict=True))
    found = [lead for (s, _), o in zip(pairs, over, strict=True) for lead in leads(s, o)]
    categories: dict[str, list[Steps]] = {}
    for (s, _), one in zip(pairs, grown[STANDARD], strict=True):
        categories.setdefault(s.category, []).append(one)
    return AtThreshold(
        threshold=threshold,
        points={p.name: _points_at(threshold, grown[p], p) for p in PROFILES},
        by_category={c: _points_at(threshold, own, STANDARD) for c, own in categories.items()},
        alarms_per_day=alarms / sum(s.days for s, _ in pairs),
        hit=len(found) / n_windows if n_windows else float("nan"),
        lead_minutes=float(np.median(found)) if found else float("nan"),
    )


def _points_at(threshold: float, own: Sequence[Steps], profile: Profile) -> float:
    gain, n_windows = sum(one.at(threshold) for one in own), sum(one.n_windows for one in own)
    return points(gain, n_windows, profile)


def _elsewhere(categories: Sequence[str], grown: Sequence[Steps]) -> float:
    gain = 0.0
    for category in set(categories):
        others = [g for c, g in zip(categories, grown, strict=True) if c != category]
        threshold = best_threshold(others)[1] if others else float("inf")
        gain += sum(g.at(threshold) for c, g in zip(categories, grown, strict=True) if c == category)
    return points(gain, sum(one.n_windows for one in grown), STANDARD)


def calibration(pairs: Sequence[tuple[Series, Answer]]) -> list[Calibration] | None:
    """`None` unless chances were claimed for every series."""
    claims = []
    for series, answer in pairs:
        if answer.p_values is None:
            return None
        scored = np.arange(len(series)) >= series.n_unscored
        claims.append(answer.p_values[scored & ~series.labelled])
    return [
        Calibration(
            level,
            pooled=float(np.mean(np.concatenate(claims) <= level)) / level,
            worst_tenth=float(np.quantile([np.mean(own <= level) / level for own in claims], 0.9)),
        )
        for level in LEVELS
    ]
