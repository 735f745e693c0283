"""One model for many series: fitted, asked, kept; what is refused."""

from __future__ import annotations

import math
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from forescale import (
    Abstain,
    ConfigError,
    ElasticNet,
    Forecast,
    ObservationError,
    SnapshotError,
)

DAY = 96
START = datetime(2026, 1, 5, 0, 15, tzinfo=timezone.utc)


def matrix(n_series: int, n_days: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Days of one shape, at a level and an hour of each series' own, with noise."""
    random = np.random.default_rng(seed)
    turn = 2 * math.pi * (np.arange(n_days * DAY) + DAY * random.random((n_series, 1))) / DAY
    level = 10 + 1000 * random.random((n_series, 1))
    days = 1 + 0.5 * np.sin(turn) + 0.25 * np.cos(2 * turn)
    return np.asarray(level * days * (1 + 0.05 * random.standard_normal(turn.shape)))


@pytest.fixture(scope="module")
def net() -> ElasticNet:
    settings = {"horizon": 8, "rows": 2000}
    return ElasticNet.fit(matrix(20, 6, 1), step="15m", start=START, settings=settings)


def test_it_forecasts_a_series_that_it_has_not_seen(net: ElasticNet) -> None:
    [series] = matrix(1, 4, 2)
    history, truth = series[: 3 * DAY], series[3 * DAY : 3 * DAY + 8]
    issued_at = START + (3 * DAY - 1) * timedelta(minutes=15)
    forecast = net.forecast(history, issued_at=issued_at)
    assert isinstance(forecast, Forecast)
    assert (forecast.issued_at, forecast.step) == (issued_at, net.step)
    medians = np.array(forecast.values)[:, 0]
    assert np.abs(medians / truth - 1).mean() < 0.15
    assert net.forecast(history, issued_at=issued_at, horizon="30m") == net.forecast(
        list(history), issued_at=issued_at.timestamp(), horizon=2
    )


def test_a_panel_is_forecast_as_each_of_its_rows(net: ElasticNet) -> None:
    values = matrix(5, 3, 3)
    values[2] = np.nan
    panel = net.forecast_panel(values, start=START, horizon=4, quantiles=[0.5, 0.9])
    assert panel.values.shape == (5, 4, 2)
    assert panel.abstained.keys() == {2}
    for row, alone in enumerate(values):
        ask: dict[str, Any] = {"horizon": 4, "quantiles": [0.5, 0.9], "issued_at": panel.issued_at}
        assert panel[row] == net.forecast(alone, **ask)
    lists = net.forecast_panel(values.tolist(), start=START, horizon=4, quantiles=[0.5, 0.9])
    assert lists.values[3] == panel.values[3].tolist()


def test_it_abstains_from_what_is_too_short(net: ElasticNet) -> None:
    answer = net.forecast([1.0, None, 3.0], issued_at=START)
    assert isinstance(answer, Abstain)
    assert answer.reason.code == "too_little_history"


def test_it_is_kept(net: ElasticNet) -> None:
    twin = pickle.loads(pickle.dumps(net))
    assert twin.snapshot() == net.snapshot()
    assert ElasticNet.restore(net.to_dict()).settings == net.settings
    assert net.settings == {"horizon": 8, "penalty": 0.001, "l1_ratio": 0.5, "rows": 2000}
    assert repr(net) == "<forescale.ElasticNet, step 0:15:00>"
    with pytest.raises(SnapshotError, match="no snapshot of"):
        ElasticNet.restore(b"{}")


def test_what_cannot_be_is_named(net: ElasticNet) -> None:
    values = matrix(2, 3, 4)
    with pytest.raises(ConfigError) as caught:
        ElasticNet.fit(values, step="15m", settings={"penalty": 0})
    assert caught.value.path == "penalty"
    with pytest.raises(ObservationError, match="must have 100") as few:
        ElasticNet.fit(values[:, :DAY], step="15m")
    assert few.value.path == "values"
    with pytest.raises(ObservationError, match="must be up to 8, as it was fitted for"):
        net.forecast(values[0], issued_at=START, horizon=9)
    with pytest.raises(TypeError, match="`horizon` is of type float"):
        net.forecast(values[0], issued_at=START, horizon=1.5)  # type: ignore[arg-type]
