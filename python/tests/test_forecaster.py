"""One series without an autoscaler: what goes in, what comes out, what is refused."""

from __future__ import annotations

import copy
import json
import math
import pickle
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forescale import (
    Abstain,
    ConfigError,
    Forecast,
    Forecaster,
    ObservationError,
    SnapshotError,
    forecast_panel,
)

HOURLY = {"kind": "seasonal_naive", "season": "1h", "smooth": "4m"}
N_SAMPLES = 300
FIXTURES = sorted(Path(__file__).parents[2].joinpath("tests/forecasts").glob("*.json"))


def history(start: float) -> tuple[list[float], list[float]]:
    times = [start + 60.0 * index for index in range(N_SAMPLES)]
    values = [1000.0 + 500.0 * math.sin(2 * math.pi * index / 60) for index in range(N_SAMPLES)]
    return times, values


@pytest.fixture
def fed(start: int) -> Forecaster:
    model = Forecaster(HOURLY, step="1m")
    model.observe(*history(start))
    return model


def utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)


def flat(forecast: Forecast | Abstain) -> list[float] | str:
    if isinstance(forecast, Abstain):
        return forecast.reason.code
    return [value for row in forecast.values for value in row]


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_the_forecasts_are_those_of_the_core(file: Path) -> None:
    fixture = json.loads(file.read_text(encoding="utf-8"))
    lines = file.with_suffix(".expected.jsonl").read_text(encoding="utf-8").splitlines()
    ask = {"horizon": fixture["horizon"], "quantiles": fixture["quantiles"]}
    times = [at / 1000 for at in fixture["times"]]
    panel = forecast_panel(
        fixture["series"],
        step=fixture["step"],
        start=times[0],
        settings=fixture["settings"],
        **ask,
    )
    for series, line, of_panel in zip(fixture["series"], lines, panel, strict=True):
        want = json.loads(line)
        model = Forecaster(fixture["settings"], step=fixture["step"])
        model.observe(times, series)
        forecast = model.forecast(**ask)
        assert of_panel == forecast
        if isinstance(forecast, Forecast):
            assert flat(forecast) == pytest.approx(want["values"], rel=1e-9)
            assert round(forecast.issued_at.timestamp() * 1000) == want["issued_at"]
        else:
            assert flat(forecast) == want["reason"]


def test_there_are_fixtures() -> None:
    assert len(FIXTURES) >= 2


@pytest.mark.parametrize(
    "form",
    [
        lambda times, values: (tuple(times), iter(values)),
        lambda times, values: (map(utc, times), values),
        lambda times, values: (np.array(times), np.array(values)),
        lambda times, values: (np.array(times, dtype="int64").astype("datetime64[s]"), values),
        lambda times, values: (memoryview(np.array(times)), memoryview(np.array(values))),
    ],
    ids=["iterables", "datetimes", "numpy", "datetime64", "memoryview"],
)
def test_every_form_of_history_is_the_same(start: int, fed: Forecaster, form: Any) -> None:
    model = Forecaster(HOURLY, step="1m")
    model.observe(*form(*history(start)))
    assert model.snapshot() == fed.snapshot()


def test_pandas_columns_are_history(start: int, fed: Forecaster) -> None:
    pandas = pytest.importorskip("pandas")
    times, values = history(start)
    column = pandas.Series(values, index=pandas.to_datetime(times, unit="s", utc=True))
    model = Forecaster(HOURLY, step=timedelta(minutes=1))
    model.observe(column.index, column)
    assert model.snapshot() == fed.snapshot()


def test_one_after_the_other_is_the_same(start: int, fed: Forecaster) -> None:
    model = Forecaster(HOURLY, step=60)
    for at, value in zip(*history(start), strict=True):
        model.observe(utc(at) if at % 120 else at, value)
    assert model.snapshot() == fed.snapshot()
    model.observe(start + 60.0 * N_SAMPLES, None)
    assert model.snapshot() != fed.snapshot()


@pytest.mark.parametrize("kind", ["float32", "int64", "bool"])
def test_arrays_of_other_numbers_are_history(start: int, kind: str) -> None:
    times, values = history(start)
    array = np.array(values).astype(kind)
    snapshots = []
    for form in (array, array.astype("float64"), array.astype("float64").tolist()):
        model = Forecaster(HOURLY, step="1m")
        model.observe(times, form)
        snapshots.append(model.snapshot())
    assert snapshots[0] == snapshots[1] == snapshots[2]


@pytest.mark.parametrize("horizon", [30, "30m", timedelta(minutes=30), np.int32(30)], ids=repr)
def test_a_forecast_begins_right_after_the_last_value(fed: Forecaster, horizon: Any) -> None:
    forecast = fed.forecast(horizon, [0.5, 0.9, 0.99])
    assert isinstance(forecast, Forecast), forecast
    assert forecast.to_numpy().shape == (30, 3)
    assert forecast.issued_at == utc(1_767_603_600 + 60 * (N_SAMPLES - 1))
    assert forecast.times[0] == forecast.issued_at + timedelta(minutes=1)
    assert forecast.values[14][0] == pytest.approx(1500, rel=0.05)


def test_the_default_kind_is_that_of_the_core() -> None:
    model = Forecaster()
    assert model.step == timedelta(minutes=1)
    assert Forecaster(model.settings, step="1m").snapshot() == model.snapshot()
    assert Forecaster(model.settings["kind"]).snapshot() == model.snapshot()
    assert model.settings["kind"] in repr(model)


def test_too_little_history_is_told(start: int) -> None:
    model = Forecaster(HOURLY, step="1m")
    for times, values in [([], []), ([start], [1.0]), ([start + 60.0 * i for i in range(1, 200)], [math.nan] * 199)]:
        model.observe(times, values)
        answer = model.forecast(5)
        assert isinstance(answer, Abstain)
        assert answer.reason.code in ("too_little_history", "gap_too_wide")


def test_a_snapshot_is_the_model(fed: Forecaster) -> None:
    forecast = fed.forecast(9)
    for twin in (
        Forecaster.restore(fed.snapshot()),
        Forecaster.restore(fed.to_dict()),
        pickle.loads(pickle.dumps(fed)),
        copy.deepcopy(fed),
    ):
        assert twin.snapshot() == fed.snapshot()
        assert twin.forecast(9) == forecast
    for damaged in (b"", b"{}", fed.snapshot()[:-9], {**fed.to_dict(), "version": 9}):
        with pytest.raises(SnapshotError):
            Forecaster.restore(damaged)


@pytest.mark.parametrize(
    ("times", "values", "path"),
    [
        ([0.0, 60.0], [1.0], "values"),
        ([60.0, 0.0], [1.0, 1.0], "times[1]"),
        ([0.0, 0.0], [1.0, 1.0], "times[1]"),
        ([0.0, 60.0], [1.0, -1.0], "values[1]"),
        ([0.0, 60.0], [math.inf, 1.0], "values[0]"),
        ([0.0, math.nan], [1.0, 1.0], "times[1]"),
        ([0.0, datetime(2026, 1, 5)], [1.0, 1.0], "times[1]"),
        (np.zeros((2, 2)), [1.0, 1.0], "times"),
        (0.0, -1.0, "values[0]"),
    ],
    ids=["lengths", "falling", "standing", "negative", "infinite", "nan", "naive", "2-D", "scalar"],
)
def test_what_is_no_history_is_refused(times: Any, values: Any, path: str) -> None:
    model = Forecaster("naive")
    before = model.snapshot()
    with pytest.raises(ObservationError) as caught:
        model.observe(times, values)
    assert caught.value.path == path
    assert model.snapshot() == before


@pytest.mark.parametrize(
    ("times", "values"), [("09:00", [1.0]), ([0.0], ["1.0"]), (0.0, "1.0"), ([0.0], 1.0)], ids=repr
)
def test_a_history_of_the_wrong_type_is_refused(times: Any, values: Any) -> None:
    with pytest.raises(TypeError, match=r"`(times|values)"):
        Forecaster("naive").observe(times, values)


@pytest.mark.parametrize(
    ("settings", "step", "path"),
    [
        ({"kind": "naiv"}, "1m", "kind"),
        ("naiv", "1m", "kind"),
        ({"kind": "naive", "seson": 3}, "1m", "seson"),
        ({"kind": "seasonal_naive", "season": "90s"}, "1m", "season"),
        ("naive", 0, "step"),
        ("naive", "soon", "step"),
        ("naive", -1, "step"),
        ("naive", math.nan, "step"),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused(settings: Any, step: Any, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Forecaster(settings, step=step)
    assert caught.value.path == path


@pytest.mark.parametrize("quantiles", [[0.0], [1.5], [0.9, 0.5], [math.nan], []], ids=repr)
def test_quantiles_that_are_none_are_refused(fed: Forecaster, quantiles: list[float]) -> None:
    with pytest.raises(ObservationError, match="quantiles"):
        fed.forecast(5, quantiles)


@pytest.mark.parametrize("horizon", [0, -1, 10_001, "0s", "soon", timedelta(0)], ids=repr)
def test_a_horizon_out_of_range_is_refused(fed: Forecaster, horizon: Any) -> None:
    with pytest.raises(ValueError, match="horizon"):
        fed.forecast(horizon)


@pytest.mark.parametrize("horizon", [5.0, None, [5]], ids=repr)
def test_a_horizon_of_the_wrong_type_is_refused(fed: Forecaster, horizon: Any) -> None:
    with pytest.raises(TypeError, match="`horizon` is of type"):
        fed.forecast(horizon)


def test_threads_may_share_it(start: int) -> None:
    model = Forecaster(HOURLY, step="1m")
    times, values = history(start)
    model.observe(times[:150], values[:150])

    def ask() -> None:
        for _ in range(50):
            model.forecast(5)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for at, value in zip(times[150:], values[150:], strict=True):
        model.observe(at, value)
    for thread in threads:
        thread.join()
    other = Forecaster(HOURLY, step="1m")
    other.observe(times, values)
    assert model.snapshot() == other.snapshot()


def test_a_campaign_that_is_told_ahead_is_expected() -> None:
    settings = {
        "kind": "regressors",
        "forecaster": "naive",
        "regressors": {"campaign": {"lags": ["0s"]}},
    }
    model = Forecaster(settings, step="1m")

    def runs(minute: int) -> bool:
        return minute >= 120 and minute % 180 < 60

    minutes = range(1, 1981)
    model.regressor("campaign", [60 * m for m in minutes], [float(runs(m)) for m in minutes])
    seen = range(1, 1861)
    model.observe([60 * m for m in seen], [900.0 if runs(m) else 400.0 for m in seen])
    forecast = Forecaster.restore(model.snapshot()).forecast(120, [0.5])
    assert forecast
    for ahead in (50, 119):
        expected = 900.0 if runs(1861 + ahead) else 400.0
        assert forecast.values[ahead][0] == pytest.approx(expected, rel=0.1)
    with pytest.raises(ObservationError, match="name"):
        model.regressor("weather", 60, 1.0)


def test_the_experts_can_be_read():
    model = Forecaster(step="5m")
    assert {expert.name for expert in model.experts()} >= {"ridge", "seasonal_naive", "naive"}
    times = [300.0 * step for step in range(1, 600)]
    model.observe(times, [100.0 + step % 288 for step in range(1, 600)])
    for ahead in {expert.ahead for expert in model.experts()}:
        there = [expert for expert in model.experts() if expert.ahead == ahead]
        assert sum(expert.weight for expert in there) == pytest.approx(1.0, abs=1e-4)
    assert Forecaster("naive", step="5m").experts() == []
