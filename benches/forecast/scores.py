"""Scores forecasts against what came, and sums them up by trace and by set.

In: tasks and the quantiles forecast for them. Out: one `Score` a forecast (the raw table), and `Row`s.
Knows no model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from traces import Floats, Task

QUANTILES = (0.5, 0.9, 0.95, 0.99)
BASE = "seasonal_naive"
# sMAPE and MASE of the competition's Naive2 on the hourly series (Makridakis et al. 2020, appendix A).
M4_HOURLY_NAIVE2 = (18.383, 2.395)


@dataclass(frozen=True)
class Score:
    """One forecast of one model, summed over its steps."""

    model: str
    trace: str
    column: str
    origin: int
    steps: int
    # Twice the pinball loss, and steps at or under the quantile, each by quantile.
    losses: tuple[float, ...]
    covered: tuple[int, ...]
    sum_abs: float
    # Mean absolute error of the median, and the mean absolute seasonal difference of the history.
    mae: float
    scale: float
    smape: float
    cpu_seconds: float
    abstained: bool

    def flat(self) -> dict[str, Any]:
        """One line of the raw table."""
        row = {k: v for k, v in vars(self).items() if k not in ("losses", "covered")}
        for q, loss, n in zip(QUANTILES, self.losses, self.covered, strict=True):
            row |= {f"loss_{q}": loss, f"covered_{q}": n}
        return row


def score(model: str, task: Task, values: Floats, cpu_seconds: float, *, abstained: bool) -> Score:
    """Scores `values` [horizon, quantile]; loads are never negative, so nothing below zero is held against a peer."""
    values = np.maximum(values, 0.0) if task.series.values.min() >= 0.0 else values
    truth, median = task.truth, values[:, 0]
    q = np.array(QUANTILES)
    miss = truth[:, None] - values
    losses = 2.0 * np.where(miss >= 0.0, q * miss, (q - 1.0) * miss).sum(axis=0)
    covered = (miss <= 0.0).sum(axis=0)
    size = np.abs(truth) + np.abs(median)
    error = np.abs(truth - median)
    lag = task.season
    return Score(
        model=model,
        trace=task.series.trace,
        column=task.series.column,
        origin=task.origin,
        steps=len(truth),
        losses=tuple(losses.tolist()),
        covered=tuple(covered.tolist()),
        sum_abs=float(np.abs(truth).sum()),
        mae=float(error.mean()),
        scale=float(np.abs(task.history[lag:] - task.history[:-lag]).mean()),
        smape=float(200.0 * np.divide(error, size, out=np.zeros_like(size), where=size > 0).mean()),
        cpu_seconds=cpu_seconds,
        abstained=abstained,
    )


@dataclass(frozen=True)
class Row:
    """A model over a set. Ratios are to seasonal naive on the same forecasts.

    `wql`, `relative_mae` and `mase` are geometric means over traces; of many series (`by_series`)
    `mase` is the mean, as in the M4 competition.
    """

    model: str
    n_forecasts: int
    n_abstained: int
    wql: float
    mase: float
    relative_mae: float
    smape: float
    coverage: tuple[float, ...]
    worst_coverage: tuple[float, ...]
    cpu_ms: float

    @property
    def owa(self) -> float:
        """Overall weighted average of the M4 competition, on its hourly series."""
        smape, mase = M4_HOURLY_NAIVE2
        return (self.smape / smape + self.mase / mase) / 2.0


def rows(scores: Mapping[str, list[Score]], *, by_series: bool) -> list[Row]:
    """One row a model, in the order of `scores`; `by_series` counts each column of a fleet for itself."""
    base = {_place(s): s for s in scores[BASE]}
    return [_row(model, own, base, by_series) for model, own in scores.items() if own]


def wql(scores: Iterable[Score]) -> float:
    """Mean weighted quantile loss over all given forecasts; not a number where the truth is all zero."""
    scores = list(scores)
    total = sum(s.sum_abs for s in scores)
    loss = sum(float(np.mean(s.losses)) for s in scores)
    return loss / total if total > 0.0 else float("nan")


def by_trace(scores: Iterable[Score], *, by_series: bool = False) -> dict[str, list[Score]]:
    """The forecasts of each trace, or of each column of each trace."""
    groups = defaultdict(list)
    for one in scores:
        groups[f"{one.trace}/{one.column}" if by_series else one.trace].append(one)
    return dict(groups)


def _row(model: str, own: list[Score], base: Mapping[tuple[Any, ...], Score], by_series: bool) -> Row:
    groups = by_trace(own, by_series=by_series)
    against = {name: [base[_place(s)] for s in group] for name, group in groups.items()}
    return Row(
        model=model,
        n_forecasts=len(own),
        n_abstained=sum(s.abstained for s in own),
        wql=_geometric_mean(wql(group) / wql(against[name]) for name, group in groups.items()),
        mase=(_mean if by_series else _geometric_mean)(_mase(group) for group in groups.values()),
        relative_mae=_geometric_mean(_mae(group) / _mae(against[name]) for name, group in groups.items()),
        smape=float(np.mean([s.smape for s in own])),
        coverage=tuple(_coverage(own)),
        worst_coverage=tuple(np.min([_coverage(group) for group in groups.values()], axis=0)),
        cpu_ms=1e3 * float(np.mean([s.cpu_seconds for s in own])),
    )


def _place(one: Score) -> tuple[Any, ...]:
    return one.trace, one.column, one.origin


def _mase(group: list[Score]) -> float:
    ratios = [s.mae / s.scale for s in group if s.scale > 0.0]
    return float(np.mean(ratios)) if ratios else float("nan")


def _mae(group: list[Score]) -> float:
    return float(np.mean([s.mae for s in group]))


def _coverage(group: list[Score]) -> Floats:
    steps = sum(s.steps for s in group)
    return np.sum([s.covered for s in group], axis=0) / steps


def _mean(values: Iterable[float]) -> float:
    return float(np.nanmean(list(values)))


def _geometric_mean(ratios: Iterable[float]) -> float:
    """Of what is a number above zero: a series that is all zero has no ratio."""
    logs = [np.log(ratio) for ratio in ratios if np.isfinite(ratio) and ratio > 0.0]
    return float(np.exp(np.mean(logs))) if logs else float("nan")
