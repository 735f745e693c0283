"""What goes into a decision and what comes out; bad data holds, wrong types are refused."""

from __future__ import annotations

import json
import threading
from collections import UserDict
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from forescale import Autoscaler, Decision, ObservationError, Reason, Step


def codes(decision: Decision) -> list[str]:
    return [step.reason.code for step in decision.steps]


def test_a_decision_tells_what_to_do_and_why(reactive: dict[str, Any], start: int) -> None:
    decision = Autoscaler(reactive).decide(at=start, ready=7, pending=1, metrics={"rps": 1240.0})
    assert decision.at == datetime.fromtimestamp(start, timezone.utc)
    assert decision.at.tzinfo is timezone.utc
    assert (decision.current, decision.replicas, decision.mode) == (8, 13, "on")
    assert decision.wish == pytest.approx(12.4, abs=0.6)
    step = decision.steps[0]
    assert isinstance(step, Step) and isinstance(step.reason, Reason)
    assert (step.by, step.before, step.replicas) == ("target(rps)", 8, 13)
    assert step.reason.code == "above_target"
    assert step.reason.facts["target"] == 100.0
    assert str(step.reason) in decision.explain()
    assert "replicas=13" in repr(decision) and "target(rps)" in repr(step)


def test_a_decision_is_its_json(reactive: dict[str, Any], start: int) -> None:
    decision = Autoscaler(reactive).decide(at=start + 0.123, ready=7, metrics={"cpu": 0.9})
    told = decision.to_dict()
    assert told == json.loads(decision.to_json())
    assert told["at"] == start * 1000 + 123
    assert decision.at == datetime.fromtimestamp(start, timezone.utc) + timedelta(milliseconds=123)
    assert [step["by"] for step in told["steps"]] == [step.by for step in decision.steps]


def test_equal_decisions_are_equal(reactive: dict[str, Any], start: int) -> None:
    one, two, other = (
        Autoscaler(reactive).decide(at=start, ready=ready, metrics={"rps": 500})
        for ready in (4, 4, 5)
    )
    assert one == two and one is not two
    assert one != other and one != "a decision"


@pytest.mark.parametrize(
    "metrics",
    [
        {"cpu": 0.9},
        {"cpu": np.float64(0.9)},
        {"cpu": {"average": 0.9}},
        {"cpu": UserDict({"average": np.float32(0.9)})},
        {"cpu": [0.9, 0.9, None, 0.9, 0.9, 0.9]},
        {"cpu": (0.9,) * 6},
        {"cpu": np.full(6, 0.9)},
        {"cpu": [{"value": 0.45, "request": 0.5, "phase": "ready"}] * 6},
        UserDict({"cpu": 0.9, "rps": None}),
    ],
    ids=lambda metrics: str(metrics)[:40],
)
def test_every_form_of_reading_counts(reactive: dict[str, Any], start: int, metrics: Any) -> None:
    decision = Autoscaler(reactive).decide(at=start, ready=6, metrics=metrics)
    assert decision.replicas in (8, 9), decision.explain()  # 8 where one replica told nothing


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "metric_missing"),
        ({"total": None}, "metric_missing"),
        (float("nan"), "metric_invalid"),
        (float("inf"), "metric_invalid"),
        (-1.0, "metric_invalid"),
        (10**400, "metric_invalid"),
        ([0.5, float("nan")], "replica_invalid"),
        ({"total": float("nan")}, "metric_invalid"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_bad_data_holds_with_the_reason(
    reactive: dict[str, Any], start: int, value: Any, code: str
) -> None:
    decision = Autoscaler(reactive).decide(at=start, ready=5, metrics={"rps": value, "cpu": 0.6})
    assert decision.replicas == 5
    assert code in codes(decision)


def test_metrics_may_be_absent_or_unknown(reactive: dict[str, Any], start: int) -> None:
    scaler = Autoscaler(reactive)
    assert scaler.decide(at=start, ready=5).replicas == 5
    assert "unknown_metric" in codes(scaler.decide(at=start + 15, ready=5, metrics={"memory": 3}))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"at": "2026-01-05T09:00:00Z"}, "`at` is of type str"),
        ({"at": None}, "`at` is of type NoneType"),
        ({"ready": 7.5}, "ready"),
        ({"ready": None}, "ready"),
        ({"metrics": [("rps", 1.0)]}, "`metrics` is of type list"),
        ({"metrics": {3: 1.0}}, "`metrics` is of type int"),
        ({"metrics": {"rps": "1240"}}, "`metrics.rps` is of type str"),
        ({"metrics": {"rps": object()}}, "`metrics.rps` is of type object"),
        ({"metrics": {"cpu": [0.5, "0.6"]}}, r"`metrics\.cpu\[1\]` is of type str"),
        ({"metrics": {"cpu": np.ones((2, 2))}}, r"`metrics\.cpu\[0\]` is of type ndarray"),
        ({"metrics": {"cpu": [{"value": "0.6"}]}}, r"`metrics\.cpu\[0\]\.value` is of type str"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_a_wrong_type_is_named(
    reactive: dict[str, Any], start: int, change: dict[str, Any], place: str
) -> None:
    with pytest.raises(TypeError, match=place):
        Autoscaler(reactive).decide(**{"at": start, "ready": 7} | change)


@pytest.mark.parametrize(
    ("change", "path", "text"),
    [
        ({"at": datetime(2026, 1, 5, 9)}, "at", "without a time zone"),
        ({"at": float("nan")}, "at", "must be seconds"),
        ({"at": 10**400}, "at", "must be seconds"),
        ({"at": 1_767_603_600_000}, "at", "is it in milliseconds"),
        ({"ready": -1}, "ready", "is -1, must be from 0"),
        ({"pending": 2**32}, "pending", "must be from 0"),
        ({"requested": -1}, "requested", "must be from 0"),
        ({"metrics": {"rps": {"sum": 3}}}, "metrics.rps", "must be `total` or `average`"),
        ({"metrics": {"rps": {}}}, "metrics.rps", "must be `total` or `average`"),
        ({"metrics": {"cpu": [{"usage": 1}]}}, "metrics.cpu[0]", "has the key 'usage'"),
        ({"metrics": {"cpu": [{"phase": "Ready"}]}}, "metrics.cpu[0].phase", "`unready`"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_what_is_no_observation_is_refused(
    reactive: dict[str, Any], start: int, change: dict[str, Any], path: str, text: str
) -> None:
    with pytest.raises(ObservationError, match=".") as caught:
        Autoscaler(reactive).decide(**{"at": start, "ready": 7} | change)
    assert caught.value.path == path
    assert text in str(caught.value)


def test_a_refused_observation_leaves_no_trace(reactive: dict[str, Any], start: int) -> None:
    scaler = Autoscaler(reactive)
    scaler.decide(at=start, ready=7, metrics={"rps": 900.0})
    before = scaler.snapshot()
    with pytest.raises(TypeError):
        scaler.decide(at=start + 15, ready=7, metrics={"rps": "many"})
    assert scaler.snapshot() == before


def test_time_is_the_same_in_every_zone(reactive: dict[str, Any], start: int) -> None:
    berlin = datetime.fromtimestamp(start, timezone(timedelta(hours=1)))
    seen = {"ready": 7, "metrics": {"rps": 900.0}}
    assert Autoscaler(reactive).decide(at=berlin, **seen) == Autoscaler(reactive).decide(
        at=start, **seen
    )


def test_any_thread_may_decide(reactive: dict[str, Any], start: int) -> None:
    scaler = Autoscaler(reactive)
    decisions: list[Decision] = []

    def decide() -> None:
        for tick in range(200):
            at = start + tick
            decisions.append(scaler.decide(at=at, ready=7, metrics={"rps": 900.0}))
            scaler.snapshot()

    threads = [threading.Thread(target=decide) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decisions) == 800
