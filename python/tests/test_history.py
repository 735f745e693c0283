"""History in its many forms, and the forecast that stands on it."""

from __future__ import annotations

import array
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from forescale import Abstain, Accuracy, Autoscaler, Forecast, ObservationError

N_SAMPLES = 4 * 288


def history(start: int) -> tuple[list[float], list[float]]:
    """Four days on a grid of five minutes, with a daily wave."""
    times = [start + 300.0 * index for index in range(N_SAMPLES)]
    values = [1000.0 + 500.0 * math.sin(2 * math.pi * index / 288) for index in range(N_SAMPLES)]
    return times, values


@pytest.fixture
def warm(predictive: dict[str, Any], start: int) -> bytes:
    scaler = Autoscaler(predictive)
    scaler.warm_up("rps", *history(start))
    return scaler.snapshot()


def utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)


@pytest.mark.parametrize(
    "form",
    [
        lambda times, values: (tuple(times), iter(values)),
        lambda times, values: ([int(at) for at in times], values),
        lambda times, values: (map(utc, times), values),
        lambda times, values: (array.array("d", times), array.array("d", values)),
        lambda times, values: (np.array(times), np.array(values)),
        lambda times, values: (np.array(times, dtype="int64"), values),
        lambda times, values: (np.array(times, dtype="int64").astype("datetime64[s]"), values),
        lambda times, values: (np.array([utc(at) for at in times]), np.array(values, dtype=object)),
        lambda times, values: (np.repeat(times, 2)[::2], np.stack([values, values], axis=1)[:, 0]),
        lambda times, values: (memoryview(np.array(times)), memoryview(np.array(values))),
    ],
    ids=[
        "iterables", "integers", "datetimes", "array.array", "numpy", "numpy integers",
        "datetime64", "numpy objects", "strided", "memoryview",
    ],
)  # fmt: skip
def test_every_form_of_history_is_the_same(
    predictive: dict[str, Any], start: int, warm: bytes, form: Any
) -> None:
    scaler = Autoscaler(predictive)
    scaler.warm_up("rps", *form(*history(start)))
    assert scaler.snapshot() == warm


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("kind", ["index", "series"])
def test_pandas_columns_are_history(
    predictive: dict[str, Any], start: int, warm: bytes, zone: str | None, kind: str
) -> None:
    pandas = pytest.importorskip("pandas")
    times, values = history(start)
    index = pandas.to_datetime(times, unit="s", utc=zone is not None)
    index = index if zone is None else index.tz_convert(zone)
    scaler = Autoscaler(predictive)
    column = pandas.Series(values, dtype="Float64")
    scaler.warm_up("rps", index if kind == "index" else pandas.Series(index), column)
    assert scaler.snapshot() == warm


def test_missing_values_are_one_thing(predictive: dict[str, Any], start: int) -> None:
    times, values = history(start)
    with_none: list[float | None] = list(values)
    with_none[100] = None
    with_nan = np.array(values)
    with_nan[100] = np.nan
    snapshots = []
    for form in (with_none, with_nan, np.array(with_none, dtype=object)):
        scaler = Autoscaler(predictive)
        scaler.warm_up("rps", times, form)
        snapshots.append(scaler.snapshot())
    assert snapshots[0] == snapshots[1] == snapshots[2]


@pytest.mark.parametrize(
    ("times", "values", "text"),
    [
        ([0.0, 300.0], [1.0], ""),
        ([300.0, 0.0], [1.0, 1.0], ""),
        ([0.0, 300.0], [1.0, -1.0], ""),
        ([0.0, 300.0], [1.0, math.inf], ""),
        ([0.0, math.nan], [1.0, 1.0], "`times[1]` is NaN"),
        ([0.0, datetime(2026, 1, 5)], [1.0, 1.0], "`times[1]` is a datetime without a time zone"),
        (np.array(["2026-01-05", "NaT"], dtype="datetime64[s]"), [1.0, 1.0], "NaT"),
        (np.zeros((2, 2)), [1.0, 1.0], "has 2 dimensions"),
        (np.zeros((2, 2)).T, [1.0, 1.0], "has 2 dimensions"),
    ],
    ids=["lengths", "falling", "negative", "infinite", "nan", "naive", "nat", "2-D", "Fortran"],
)
def test_what_is_no_history_is_refused(
    predictive: dict[str, Any], times: Any, values: Any, text: str
) -> None:
    scaler = Autoscaler(predictive)
    before = scaler.snapshot()
    with pytest.raises(ObservationError) as caught:
        scaler.warm_up("rps", times, values)
    assert text in str(caught.value)
    assert scaler.snapshot() == before


@pytest.mark.parametrize(
    ("times", "values"),
    [
        ("09:00", [1.0]),
        (0.0, [1.0]),
        ([0.0], {"a": 1.0}),
        ([0.0], ["1.0"]),
        (["2026-01-05"], [1.0]),
        ([0.0], 1.0),
        (np.array(["a"]), [1.0]),
    ],
    ids=repr,
)
def test_a_history_of_the_wrong_type_is_refused(
    predictive: dict[str, Any], times: Any, values: Any
) -> None:
    with pytest.raises(TypeError, match=r"`(times|values)"):
        Autoscaler(predictive).warm_up("rps", times, values)


def test_a_metric_that_is_not_configured_is_refused(predictive: dict[str, Any]) -> None:
    with pytest.raises(ObservationError, match="did you mean `rps`"):
        Autoscaler(predictive).warm_up("rp", [0.0], [1.0])
    with pytest.raises(ObservationError, match='is "cpu"'):
        Autoscaler(predictive).forecast("cpu", horizon="30m")


@pytest.mark.parametrize("horizon", ["30m", 1800, 1800.0, timedelta(minutes=30)], ids=repr)
def test_a_forecast_has_a_row_for_each_step(warm: bytes, horizon: Any) -> None:
    forecast = Autoscaler.restore(warm).forecast("rps", horizon=horizon, quantiles=[0.5, 0.95])
    assert isinstance(forecast, Forecast), forecast
    assert forecast.quantiles == [0.5, 0.95]
    assert len(forecast.values) * forecast.step >= timedelta(minutes=30)
    assert all(low <= high for low, high in forecast.values)
    assert forecast.times[0] == forecast.issued_at + forecast.step
    assert forecast.issued_at.tzinfo is timezone.utc


def test_a_forecast_becomes_an_array_and_a_table(warm: bytes) -> None:
    forecast = Autoscaler.restore(warm).forecast("rps", horizon="1h")
    assert isinstance(forecast, Forecast), forecast
    matrix = forecast.to_numpy()
    assert matrix.shape == (len(forecast.values), 2)
    assert matrix.tolist() == forecast.values
    pandas = pytest.importorskip("pandas")
    table = forecast.to_pandas()
    assert list(table.columns) == [0.5, 0.95]
    assert table.index[0] == pandas.Timestamp(forecast.times[0])
    assert table.to_numpy().tolist() == forecast.values


def test_without_history_it_abstains_with_the_reason(predictive: dict[str, Any]) -> None:
    forecast = Autoscaler(predictive).forecast("rps", horizon="30m")
    assert isinstance(forecast, Abstain)
    assert not forecast
    assert forecast.reason.code == "too_little_history"
    assert "history" in str(forecast.reason)
    assert forecast.explain() == str(forecast.reason)


@pytest.mark.parametrize("quantiles", [[0.0], [1.5], [0.9, 0.5], [math.nan], []], ids=repr)
def test_quantiles_that_are_none_are_refused(warm: bytes, quantiles: list[float]) -> None:
    with pytest.raises(ObservationError):
        Autoscaler.restore(warm).forecast("rps", horizon="30m", quantiles=quantiles)


@pytest.mark.parametrize("horizon", ["soon", -1, math.nan, timedelta(0)], ids=repr)
def test_a_horizon_that_is_none_is_refused(warm: bytes, horizon: Any) -> None:
    with pytest.raises(ValueError, match="horizon"):
        Autoscaler.restore(warm).forecast("rps", horizon=horizon)


def test_the_accuracy_has_rows_by_horizon_beside_the_references(warm: bytes) -> None:
    accuracy = Autoscaler.restore(warm).accuracy("rps")
    assert isinstance(accuracy, Accuracy)
    assert len(accuracy) == len(list(accuracy)) > 0
    first = accuracy.rows[0]
    assert first.of == "forecast"
    assert first.n_judged > 0
    assert first.loss >= 0.0
    assert 0.0 <= first.coverage_ever <= 1.0
    names = {row.of for row in accuracy}
    assert {"forecast", "as_now", "level"} <= names <= {"forecast", "as_now", "level", "yesterday"}
    with pytest.raises(ObservationError, match='is "cpu"'):
        Autoscaler.restore(warm).accuracy("cpu")
    pytest.importorskip("pandas")
    table = accuracy.to_pandas()
    assert list(table.index.names) == ["ahead", "of"]
    assert table["n_judged"].iloc[0] == first.n_judged


def test_before_any_forecast_there_is_no_accuracy(predictive: dict[str, Any]) -> None:
    accuracy = Autoscaler(predictive).accuracy("rps")
    assert len(accuracy) == 0
    pytest.importorskip("pandas")
    assert len(accuracy.to_pandas()) == 0
