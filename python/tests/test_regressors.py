"""What is known besides the load: told, read from a metric, part of a replay; refusals."""

from __future__ import annotations

import pickle
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from forescale import (
    Autoscaler,
    ConfigError,
    Forecast,
    ObservationError,
    SelfTuning,
    TraceError,
    replay,
    tune,
)

DAY = 1440
MINUTES = 60.0 * np.arange(4 * DAY)
RUNS = (np.arange(4 * DAY) // 60 % 3 == 2).astype(float)
"""A campaign in each third hour."""
LOADS = 400.0 + 500.0 * RUNS + np.arange(4 * DAY) % 11


def config(*, metrics: tuple[str, ...] = (), **regressors: dict[str, Any]) -> dict[str, Any]:
    forecaster = {"kind": "regressors", "forecaster": "naive", "regressors": regressors}
    return {
        "max_replicas": 60,
        "lead_time": "4m",
        "metrics": {name: {"kind": "total"} for name in ("rps", *metrics)},
        "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 60},
        "policies": [{"kind": "predictive", "metric": "rps", "forecaster": forecaster}],
    }


def expected(scaler: Autoscaler, ahead: int) -> float:
    forecast = scaler.forecast("rps", horizon=60 * ahead, quantiles=[0.5])
    assert isinstance(forecast, Forecast)
    return forecast.values[-1][0]


def test_a_campaign_that_is_told_is_expected() -> None:
    scaler = Autoscaler(config(campaign={}))
    now = 3 * DAY
    scaler.regressor("rps", "campaign", MINUTES[: now + 200], list(RUNS[: now + 200]))
    scaler.warm_up("rps", MINUTES[:now], LOADS[:now])
    assert expected(scaler, 60) == pytest.approx(400, rel=0.1)
    assert expected(scaler, 140) == pytest.approx(900, rel=0.1)
    # It is called off.
    twin = pickle.loads(pickle.dumps(scaler))
    scaler.regressor("rps", "campaign", datetime.fromtimestamp(60 * now, timezone.utc), 0.0)
    assert expected(scaler, 140) == pytest.approx(400, rel=0.1)
    assert expected(twin, 140) == pytest.approx(900, rel=0.1)


def test_an_upstream_that_is_a_metric_is_read() -> None:
    scaler = Autoscaler(config(metrics=("gateway",), gateway={}))
    now = 3 * DAY
    scaler.warm_up("gateway", MINUTES[:now], np.roll(LOADS, -10)[:now])
    scaler.warm_up("rps", MINUTES[:now], LOADS[:now])
    for minute in range(now, now + 130):
        metrics = {"rps": LOADS[minute], "gateway": LOADS[minute + 10]}
        scaler.decide(at=60.0 * minute, ready=9, metrics=metrics)
        truth = LOADS[minute + 9]
        assert expected(scaler, 10) == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize(
    ("told", "path", "words"),
    [
        (("rpm", "campaign", [0, 60], [1, 0]), "metric", "did you mean `rps`"),
        (("rps", "campain", [0, 60], [1, 0]), "name", "did you mean `campaign`"),
        (("rps", "gateway", [0, 60], [1, 0]), "name", "the readings of the metric"),
        (("rps", "campaign", [0, 60], [1]), "values", "has 1 entries"),
        (("rps", "campaign", [60, 0], [1, 0]), r"times[1]", "must be after"),
        (("rps", "campaign", [0, 60], [1, None]), r"values[1]", "must be finite"),
    ],
)
def test_what_cannot_be_told_is_named(told: Any, path: str, words: str) -> None:
    scaler = Autoscaler(config(metrics=("gateway",), campaign={}, gateway={}))
    with pytest.raises(ObservationError, match=words) as caught:
        scaler.regressor(*told)
    assert caught.value.path == path


def test_a_metric_that_is_no_total_is_no_regressor() -> None:
    settings = config(metrics=("gateway",), gateway={})
    settings["metrics"]["gateway"]["kind"] = "utilization"
    with pytest.raises(ConfigError, match="must be of kind `total`"):
        Autoscaler(settings)


def test_a_replay_knows_what_its_trace_does() -> None:
    plant = {"scored": "1d", "load_per_replica": 60}
    trace = {"times": MINUTES, "values": LOADS}
    known = trace | {"known": {"campaign": (MINUTES, RUNS)}}
    settings = config(campaign={})
    late = [replay(settings, each, plant).score["violation_minutes"] for each in (known, trace)]
    assert late[0] < 0.5 * late[1]
    names = {"gateway": {"times": MINUTES + 60, "values": np.roll(LOADS, -10)}}
    settings = config(metrics=("gateway",), gateway={})
    assert replay(settings, trace | {"known": names}, plant).score["violation_minutes"] < 0.5 * late[1]
    for run in (replay, tune):
        with pytest.raises(TraceError, match="did you mean `gateway`") as caught:
            run(settings, trace | {"known": {"gatway": (MINUTES, LOADS)}}, plant)
        assert caught.value.path == "known.gatway"


def test_a_self_tuning_is_told_too() -> None:
    scaler = SelfTuning(config(campaign={}))
    scaler.regressor("rps", "campaign", [0, 60], [1, 0])
    assert b'"known":{"campaign"' in scaler.snapshot()
