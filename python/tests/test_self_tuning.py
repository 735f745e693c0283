"""An autoscaler that tunes itself: what it finds, what it adopts, and that nothing is lost."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from forescale import Autoscaler, ConfigError, Retuned, SelfTuning, SnapshotError

CONFIG: dict[str, Any] = {
    "max_replicas": 60,
    "metrics": {"cpu": {"kind": "utilization"}},
    "policies": [{"kind": "target", "metric": "cpu", "target": 0.3}],
}
SETTINGS: dict[str, Any] = {"step": "5m", "least": "2d", "shadow": "1d", "search": {"settings": 8}}
DAY = 86400


def live(scaler: SelfTuning, start: int, days: int, ready: int = 10) -> int:
    """Decides each minute for a load that is a wave by day; the replicas at the end."""
    for at in range(start, start + days * DAY, 60):
        busy = 6 - 4 * math.cos(2 * math.pi * (at % DAY) / DAY)
        decision = scaler.decide(at=at, ready=ready, metrics={"cpu": min(1.0, busy / ready)})
        ready = decision.replicas
    return ready


def test_it_finds_better_settings_and_adopts_them_after_a_day_in_shadow(start: int) -> None:
    scaler = SelfTuning(CONFIG, SETTINGS)
    assert isinstance(scaler, Autoscaler)
    assert scaler.retune().reason["code"] == "too_little_seen"
    ready = live(scaler, start, 3)
    found = scaler.retune()
    assert isinstance(found, Retuned)
    assert (found.reason["code"], found.is_change) == ("proved_better", False)
    assert found.at.timestamp() == start + 3 * DAY - 60
    assert found.changes["policies[0].target"][0] == 0.3
    live(scaler, start + 3 * DAY, 1, ready)
    stopped = scaler.retune(go_on=lambda done: False)
    assert stopped.reason["code"] in ("interrupted", "adopted")  # it may be done before it is asked
    adopted = stopped if stopped.is_change else scaler.retune()
    assert adopted.reason["code"] == "adopted" and adopted.is_change
    assert adopted.explanation.startswith("Set ")
    assert scaler.config["policies[0].target"].value == adopted.changes["policies[0].target"][1]
    assert scaler.events[-1] == adopted


def test_a_snapshot_is_of_all_of_it(start: int) -> None:
    scaler = SelfTuning(CONFIG, SETTINGS)
    live(scaler, start, 3)
    for twin in (SelfTuning.restore(scaler.snapshot()), pickle.loads(pickle.dumps(scaler))):
        assert twin.snapshot() == scaler.snapshot()
        assert twin.retune() == SelfTuning.restore(scaler.to_dict()).retune()
    with pytest.raises(SnapshotError):
        Autoscaler.restore(scaler.snapshot())
    with pytest.raises(SnapshotError):
        SelfTuning.restore(Autoscaler(CONFIG).snapshot())


def test_what_cannot_be_tuned_is_named() -> None:
    with pytest.raises(ConfigError, match="`shadow` is 1h"):
        SelfTuning(CONFIG, {"shadow": "1h"})
    with pytest.raises(ConfigError, match=r"did you mean `probation`"):
        SelfTuning(CONFIG, {"probations": "1d"})
    with pytest.raises(ConfigError, match=r"`metrics.queue` is neither the load"):
        metrics = {"rps": {"kind": "total"}, "queue": {"kind": "total"}}
        capacity = {"kind": "fixed", "metric": "rps", "load_per_replica": 9}
        policies = [{"kind": "predictive", "metric": "rps"}]
        config = {"max_replicas": 9, "metrics": metrics, "capacity": capacity, "policies": policies}
        SelfTuning(config)
