"""Many series at once: layouts, types, who abstains, what is refused."""

from __future__ import annotations

import array
import math
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from forescale import (
    Abstain,
    ConfigError,
    Forecast,
    Forecaster,
    ObservationError,
    PanelForecast,
    forecast_panel,
)

HOURLY = {"kind": "seasonal_naive", "season": "1h", "smooth": "4m"}
ASK: dict[str, Any] = {
    "step": "1m", "horizon": 12, "quantiles": [0.5, 0.95], "settings": HOURLY, "start": 60
}  # fmt: skip


def matrix(n_series: int = 20, n_samples: int = 200) -> np.ndarray[Any, np.dtype[np.float64]]:
    phase = 2 * math.pi * np.arange(n_samples) / 60
    scales = np.arange(1, n_series + 1)[:, None]
    return np.asarray(np.round(scales * (100 + 50 * np.sin(phase))))


def test_each_series_is_forecast_as_by_a_forecaster_of_its_own() -> None:
    values = matrix()
    values[3] = np.nan
    values[4, 5:9] = np.nan
    panel = forecast_panel(values, **ASK)
    assert panel.values.shape == (20, 12, 2)
    assert panel.values.dtype == np.float64
    assert panel.values.flags.writeable
    times = 60.0 * np.arange(1, values.shape[1] + 1)
    for series, row in enumerate(values):
        model = Forecaster(HOURLY, step="1m")
        model.observe(times, row)
        alone = model.forecast(12, [0.5, 0.95])
        if series == 3:
            assert isinstance(alone, Abstain)
            assert panel[series] == alone
            assert np.isnan(panel.values[series]).all()
        else:
            assert isinstance(alone, Forecast)
            assert panel[series] == alone
            assert panel.values[series].tolist() == alone.values
    assert list(panel.abstained) == [3]
    assert panel.abstained[3].code == "too_little_history"
    assert len(panel) == 20
    assert panel[-1] == panel[19]
    with pytest.raises(IndexError):
        panel[20]


@pytest.mark.parametrize(
    "form",
    [
        lambda values: np.asfortranarray(values),
        lambda values: values.T.copy().T,
        lambda values: np.repeat(values, 2, axis=0)[::2],
        lambda values: np.repeat(values, 2, axis=1)[:, ::2],
        lambda values: values[::-1][::-1],
        lambda values: values.astype("float32"),
        lambda values: values.astype("int64"),
        lambda values: values.astype(">f8"),
        lambda values: values.astype(object),
    ],
    ids=["Fortran", "transposed", "rows", "columns", "reversed", "float32", "int64", "big", "object"],
)
def test_every_layout_and_type_of_array_is_read_right(form: Any) -> None:
    want = forecast_panel(matrix(), **ASK)
    panel = forecast_panel(form(matrix()), **ASK)
    assert isinstance(panel.values, np.ndarray)
    assert np.array_equal(panel.values, want.values)


@pytest.mark.parametrize(
    "form",
    [
        lambda values: values.tolist(),
        lambda values: tuple(map(tuple, values.tolist())),
        lambda values: (row for row in values),
        lambda values: [array.array("d", row) for row in values],
        lambda values: list(values.astype("float32")),
        lambda values: memoryview(values),
        lambda values: memoryview(np.asfortranarray(values)),
        lambda values: memoryview(values.astype("float32")),
    ],
    ids=["lists", "tuples", "generator", "array.array", "rows", "memoryview", "Fortran", "float32"],
)
def test_what_is_no_array_is_answered_with_lists(form: Any) -> None:
    want = forecast_panel(matrix(), **ASK)
    panel = forecast_panel(form(matrix()), **ASK)
    assert panel.values == want.values.tolist()
    assert panel[2] == want[2]


def test_a_table_has_a_series_in_each_row() -> None:
    pandas = pytest.importorskip("pandas")
    panel = forecast_panel(pandas.DataFrame(matrix()), **ASK)
    assert np.array_equal(panel.values, forecast_panel(matrix(), **ASK).values)


def test_missing_values_are_one_thing_and_bad_ones_cost_no_other_series() -> None:
    rows = matrix(3).tolist()
    with_none, with_nan, with_bad = ([list(row) for row in rows] for _ in range(3))
    with_none[1][7:9], with_nan[1][7:9] = [None, None], [math.nan, math.nan]
    with_bad[1][7:9] = [-5.0, math.inf]
    answers = [forecast_panel(values, **ASK).values for values in (with_none, with_nan, with_bad)]
    assert answers[0] == answers[1] == answers[2]
    clean = forecast_panel(rows, **ASK).values
    assert [answers[0][0], answers[0][2]] == [clean[0], clean[2]]


def test_times_follow_from_the_start() -> None:
    start = datetime(2026, 1, 5, tzinfo=timezone.utc)
    panel = forecast_panel(matrix(2), **{**ASK, "start": start, "horizon": "9m 30s"})
    assert isinstance(panel, PanelForecast)
    assert panel.issued_at == start + timedelta(minutes=199)
    assert panel.step == timedelta(minutes=1)
    assert panel.quantiles == [0.5, 0.95]
    assert panel.values.shape == (2, 10, 2)
    assert forecast_panel(matrix(2), **{**ASK, "start": None}).issued_at.timestamp() == 199 * 60


def test_panels_without_series_or_samples_are_none_the_less_panels() -> None:
    assert forecast_panel([], **ASK).values == []
    assert forecast_panel(np.empty((0, 5)), **ASK).values.shape == (0, 12, 2)
    empty = forecast_panel([[], []], **ASK)
    assert {series: reason.code for series, reason in empty.abstained.items()} == {
        0: "too_little_history",
        1: "too_little_history",
    }
    assert list(forecast_panel(np.ones((2, 1)), **ASK).abstained) == [0, 1]


@pytest.mark.parametrize(
    ("values", "change", "path"),
    [
        (np.ones(5), {}, "values"),
        (np.ones((2, 2, 2)), {}, "values"),
        ([[1.0, 2.0], [1.0]], {}, "values[1]"),
        ([1.0, 2.0], {}, "values[0]"),
        (np.ones((2, 2)), {"quantiles": [1.0]}, "quantiles[0]"),
        (np.ones((2, 2)), {"quantiles": []}, "quantiles"),
        (np.ones((2, 2)), {"horizon": 0}, "horizon"),
        (np.ones((2, 2)), {"horizon": 10_001}, "horizon"),
        (np.ones((2, 2)), {"step": 0}, "step"),
        (np.ones((2, 2)), {"settings": "naiv"}, "kind"),
        (np.ones((2, 2)), {"settings": {"kind": "seasonal_naive", "season": "90s"}}, "season"),
        (np.ones((2, 2)), {"start": math.nan}, "start"),
        (np.ones((2, 2)), {"start": datetime(2026, 1, 5)}, "start"),
        (np.ones((2, 2)), {"device": "tpu"}, "device"),
    ],
    ids=lambda value: None if isinstance(value, np.ndarray) else repr(value),
)
def test_what_is_no_panel_is_refused(values: Any, change: dict[str, Any], path: str) -> None:
    try:
        forecast_panel(values, **{**ASK, **change})
    except (ObservationError, ConfigError) as error:
        assert error.path == path
    except TypeError as error:
        assert f"`{path}`" in str(error)
    else:
        pytest.fail("not refused")


@pytest.mark.parametrize("values", ["12", {"a": [1.0]}, 5.0, None, [["1"]], np.array([["a"]])], ids=repr)
def test_a_panel_of_the_wrong_type_is_refused(values: Any) -> None:
    with pytest.raises(TypeError, match="`values"):
        forecast_panel(values, **ASK)


def test_lists_need_no_numpy() -> None:
    code = """
import sys
sys.modules["numpy"] = None  # an import would raise
import forescale
panel = forescale.forecast_panel([[9.0] * 30], step="1m", horizon=2, settings="naive")
assert panel.values == [[[9.0, 9.0], [9.0, 9.0]]], panel.values
model = forescale.Forecaster("naive")
model.observe([60 * minute for minute in range(30)], [9] * 30)
assert model.forecast(2).values == panel.values[0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
