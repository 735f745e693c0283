"""The detectors that are compared: ours, the peers as their packages make them, and plain baselines.

In: a `Series`. Out: a score a row, and the chance a detector claims for it. Each row is scored by those
before it, then learnt; no detector gets a setting of any series beyond its step.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nab import Floats, Series

Run = Callable[[Series], tuple[Floats, Floats | None]]
# Beyond it a chance is the same for all of us: a normal tail has no smaller ones in a float.
MIN_CHANCE = 1e-300
# Of the range of a day, the least deviation that the median of a day is held against.
FLOOR = 0.01
# The chance in one tail under which libspot raises an alarm, as in its documentation.
SPOT_Q = 1e-4


@dataclass(frozen=True)
class Detector:
    """A name in the table; `load` imports the package, which then is paid for once."""

    name: str
    load: Callable[[], Run]
    # The threshold that its documentation names, if any.
    default: float | None
    # What the version of is part of the name of the cache; `None` is never cached.
    package: str | None


def ours(kind: str) -> Detector:
    """A detector of forescale, through its Python package, with default settings."""

    def load() -> Run:
        import forescale

        def run(series: Series) -> tuple[Floats, Floats | None]:
            detector = forescale.Detector({"kind": kind}, step=series.step)
            # The clock of a few files goes back; ours takes equal times but none before.
            found = detector.score_many(np.maximum.accumulate(series.times), series.values)
            return np.asarray(found.score), np.asarray(found.p_value)

        return run

    return Detector(f"forescale {kind}", load, 0.5, None)


def record(series: Series) -> tuple[Floats, Floats | None]:
    """How far a value lies beyond all before it, as a share of their range; two numbers of state."""
    y = series.values
    low, high = np.minimum.accumulate(y)[:-1], np.maximum.accumulate(y)[:-1]
    beyond = np.maximum(np.maximum(low - y[1:], y[1:] - high), 0.0)
    # Beyond a range of nothing it is infinitely far.
    share = np.divide(beyond, high - low, out=np.full(len(beyond), np.inf), where=high > low)
    share[beyond == 0.0] = 0.0
    score = np.where(np.isinf(share), 1.0, share / (np.where(np.isinf(share), 1.0, share) + 0.3))
    return np.append(0.0, score), None


def median_of_a_day(series: Series) -> tuple[Floats, Floats | None]:
    """Distance to the median of the last day in median absolute deviations, with the tail of a normal one."""
    y, width = series.values, series.season
    z = np.zeros(len(y))
    if len(y) > width:
        days = np.lib.stride_tricks.sliding_window_view(y, width)[:-1]
        median = np.median(days, axis=1)
        spread = 1.4826 * np.median(np.abs(days - median[:, None]), axis=1)
        # Where half the day stands still the deviation is none; a share of the range is least.
        spread = np.maximum(spread, FLOOR * np.ptp(days, axis=1))
        z[width:] = _over(y[width:] - median, spread)
    return _by_chance(z)


def ewma_band(series: Series) -> tuple[Floats, Floats | None]:
    """Distance to an exponential mean in exponential deviations, with the tail of a normal one."""
    weight = 0.02  # a memory of fifty rows
    z = np.zeros(len(series))
    mean, variance = float(series.values[0]), 0.0
    for row, value in enumerate(series.values.tolist()):
        error = value - mean
        z[row] = _over(np.array([error]), np.array([math.sqrt(variance)]))[0]
        mean += weight * error
        variance = (1.0 - weight) * (variance + weight * error * error)
    return _by_chance(z)


def _over(error: Floats, spread: Floats) -> Floats:
    """In spreads; any error is endless where nothing ever moved."""
    beyond = np.where(error == 0.0, 0.0, np.inf)
    return np.divide(np.abs(error), spread, out=beyond, where=spread > 0.0)


def _by_chance(z: Floats) -> tuple[Floats, Floats]:
    """The two-sided normal chance of `z`, and the score L / (L + 5) of its L digits: 0.5 at 1e-5."""
    chance = np.array([math.erfc(one / math.sqrt(2.0)) for one in z.tolist()])
    # Mills's ratio, where the chance itself is too small for a float.
    far = np.clip(z, 30.0, 1e100)
    tail = far * far / 2.0 / math.log(10.0) + np.log10(far * math.sqrt(math.pi / 2.0))
    digits = np.where(z > 30.0, tail, -np.log10(np.maximum(chance, MIN_CHANCE)))
    return digits / (digits + 5.0), chance


def _river_gaussian() -> Run:
    from river import anomaly

    def run(series: Series) -> tuple[Floats, Floats | None]:
        # The window of a week and the threshold are those of its documentation of `ThresholdFilter`.
        scorer = anomaly.GaussianScorer(window_size=7 * series.season, grace_period=30)
        scores = np.zeros(len(series))
        for row, value in enumerate(series.values.tolist()):
            scores[row] = scorer.score_one(None, value)
            scorer.learn_one(None, value)
        return scores, 1.0 - scores

    return run


def _river_deviation() -> Run:
    from river import anomaly

    def run(series: Series) -> tuple[Floats, Floats | None]:
        scorer = anomaly.StandardAbsoluteDeviation()
        scores = np.zeros(len(series))
        for row, value in enumerate(series.values.tolist()):
            scores[row] = scorer.score_one(None, value)
            scorer.learn_one(None, value)
        return scores, None

    return run


def _river_trees() -> Run:
    from river import anomaly, preprocessing

    def run(series: Series) -> tuple[Floats, Floats | None]:
        trees = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42)
        scores = np.zeros(len(series))
        for row, value in enumerate(series.values.tolist()):
            scores[row] = trees.score_one({"value": value})
            trees.learn_one({"value": value})
        return scores, None

    return run


def _spot(discard: bool) -> Callable[[], Run]:
    """A tail on either side, fitted on the rows that are not scored; `discard` is its default."""

    def load() -> Run:
        import libspot

        def run(series: Series) -> tuple[Floats, Floats | None]:
            first, sides = series.n_unscored, ((1.0, _tail()), (-1.0, _tail()))
            for sign, tail in sides:
                tail.fit(sign * series.values[:first])
            chances = np.ones(len(series))
            for row, value in enumerate(series.values[first:].tolist(), start=first):
                chances[row] = min(_chance(tail, sign * value) for sign, tail in sides)
                for sign, tail in sides:
                    tail.step(sign * value)
            chances = np.minimum(1.0, 2.0 * chances)
            return -np.log10(np.maximum(chances, MIN_CHANCE)), chances

        def _tail() -> libspot.Spot:
            return libspot.Spot(SPOT_Q, discard_anomalies=discard)

        def _chance(tail: libspot.Spot, value: float) -> float:
            # Under its threshold the model of the tail does not speak; past the end of a bounded one
            # it gives no number.
            if value <= tail.excess_threshold:
                return 1.0
            chance = float(tail.probability(value))
            return 0.0 if math.isnan(chance) else chance

        return run

    return load


def _relative_entropy() -> Run:
    from pysad.models import RelativeEntropy

    def run(series: Series) -> tuple[Floats, Floats | None]:
        # It wants to be told the range; NAB gives it that of the whole file.
        model = RelativeEntropy(float(series.values.min()), float(series.values.max()))
        return np.array([model.fit_score_partial(value) for value in series.values]), None

    return run


def _knn_cad() -> Run:
    from pysad.models import KNNCAD

    def run(series: Series) -> tuple[Floats, Floats | None]:
        model = KNNCAD(series.n_unscored)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where a matrix has no inverse
            return np.array([model.fit_score_partial(value) for value in series.values]), None

    return run


def _forest() -> Run:
    import krcf

    def run(series: Series) -> tuple[Floats, Floats | None]:
        forest = krcf.RandomCutForest({"dimensions": 1, "shingle_size": 8, "random_seed": 42})
        scores = np.zeros(len(series))
        for row, value in enumerate(series.values.tolist()):
            scores[row] = forest.score([value])
            forest.update([value])
        return scores, None

    return run


BASELINES = [
    Detector("a value outside all before it", lambda: record, 0.5, "numpy"),
    Detector("median and MAD of a day", lambda: median_of_a_day, 0.5, "numpy"),
    Detector("EWMA band", lambda: ewma_band, 0.5, "numpy"),
]
PEERS = [
    Detector("river GaussianScorer", _river_gaussian, 0.995, "river"),
    # The rule of three deviations that its documentation goes back to.
    Detector("river StandardAbsoluteDeviation", _river_deviation, 3.0, "river"),
    Detector("river HalfSpaceTrees", _river_trees, None, "river"),
    Detector("libspot", _spot(True), -math.log10(2.0 * SPOT_Q), "libspot"),
    # Much better here than its default, under which a new level is an alarm without end.
    Detector("libspot that learns alarms", _spot(False), -math.log10(2.0 * SPOT_Q), "libspot"),
]
EXTRAS = [
    Detector("pysad RelativeEntropy", _relative_entropy, 1.0, "pysad"),
    # What it lets through as an alarm of its own.
    Detector("pysad KNNCAD", _knn_cad, 0.9965, "pysad"),
    Detector("krcf RandomCutForest", _forest, None, "krcf"),
]
