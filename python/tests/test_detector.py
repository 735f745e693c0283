"""The detector of one series: scores one by one and in arrays, snapshots, refusals."""

from __future__ import annotations

import math
import pickle
from datetime import UTC, datetime

import pytest

import forescale

STEP = 300.0


def load(index: int) -> float:
    hour = index // 12 % 24
    return 500.0 + 100.0 * math.sin(hour / 24 * math.tau) + (index * 7919 % 31)


VALUES = [load(index) for index in range(2000)]
TIMES = [STEP * index for index in range(2000)]


def test_a_spike_is_told_with_its_reason() -> None:
    detector = forescale.Detector(step="5m")
    scores = detector.score_many(TIMES, VALUES)
    assert len(scores) == 2000
    assert not any(scores.is_anomaly[300:])
    at = datetime.fromtimestamp(STEP * 2000, UTC)
    seen = detector.score(at, 5000.0)
    assert seen.is_anomaly and seen.kind == "spike" and seen.at == at and seen.value == 5000.0
    assert seen.expected is not None and seen.lower is not None and seen.upper is not None
    assert seen.lower < seen.expected < seen.upper < 1000.0
    assert seen.reason.code == "spike" and seen.reason.facts["value"] == 5000.0
    assert "is a spike" in seen.explain() and "spike" in repr(seen)


def test_arrays_come_back_as_arrays_and_are_what_single_scores_are() -> None:
    np = pytest.importorskip("numpy")
    many = forescale.Detector(step="5m").score_many(np.array(TIMES), np.array(VALUES))
    assert many.score.dtype == np.float64 and many.is_anomaly.dtype == np.bool_
    one = forescale.Detector(step="5m")
    for index in range(0, 2000):
        seen = one.score(TIMES[index], VALUES[index])
        assert seen.score == many.score[index] and seen.kind == many.kind[index]
        assert seen.p_value == many.p_value[index]


def test_what_is_missing_is_no_number() -> None:
    detector = forescale.Detector(step="5m")
    detector.score_many(TIMES[:600], VALUES[:600])
    seen = [detector.score(TIMES[600 + late], math.nan) for late in range(12)]
    assert seen[0].value is None and seen[0].expected is None
    assert [each.kind for each in seen if each.is_anomaly] == ["missing"]
    assert detector.score(TIMES[612], math.inf).value is None


def test_a_snapshot_changes_nothing() -> None:
    detector = forescale.Detector("shift", step="5m")
    detector.score_many(TIMES[:777], VALUES[:777])
    twins = [
        forescale.Detector.restore(detector.snapshot()),
        forescale.Detector.restore(detector.to_dict()),
        pickle.loads(pickle.dumps(detector)),
    ]
    for index in range(777, 1000):
        seen = detector.score(TIMES[index], VALUES[index])
        assert all(twin.score(TIMES[index], VALUES[index]) == seen for twin in twins)
    assert "shift" in repr(detector)


def test_refusals_name_the_place() -> None:
    with pytest.raises(forescale.ConfigError, match="did you mean `record`"):
        forescale.Detector("recrod")
    with pytest.raises(forescale.ConfigError, match="`alarms_per_day` is 0"):
        forescale.Detector({"kind": "auto", "alarms_per_day": 0})
    with pytest.raises(forescale.ConfigError, match="`step`"):
        forescale.Detector(step=0)
    detector = forescale.Detector(step="5m")
    detector.score(600.0, 1.0)
    with pytest.raises(forescale.ObservationError, match="`at`|times"):
        detector.score(300.0, 1.0)
    with pytest.raises(forescale.ObservationError, match=r"times\[1\]"):
        detector.score_many([900.0, 600.0], [1.0, 1.0])
    with pytest.raises(forescale.ObservationError, match="`values` has 1 entries"):
        detector.score_many([900.0, 1200.0], [1.0])
    with pytest.raises(forescale.SnapshotError):
        forescale.Detector.restore(b"{}")


def test_a_plot_shows_values_band_and_alarms() -> None:
    pytest.importorskip("matplotlib")
    values = [*VALUES[:1500], 5000.0]
    scores = forescale.Detector(step="5m").score_many(TIMES[:1501], values)
    figure = scores.plot(TIMES[:1501], values)
    (axes,) = figure.axes
    _, labels = axes.get_legend_handles_labels()
    assert labels == ["expected", "value", "alarm"]
    assert 1500 in [index for index, _ in scores.alarms()]
