"""A search for better settings: what it finds, refusals, interruption."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from forescale import Autoscaler, ConfigError, TraceError, tune

CONFIG: dict[str, Any] = {
    "max_replicas": 60,
    "metrics": {"cpu": {"kind": "utilization"}},
    "policies": [{"kind": "target", "metric": "cpu", "target": 0.3}],
}
PLANT = {"interval": "1m"}


@pytest.fixture
def trace(start: int) -> tuple[list[float], list[float]]:
    times = [start + 300.0 * step for step in range(4 * 288)]
    values = [1000 + 700 * math.sin(2 * math.pi * step / 288) for step in range(4 * 288)]
    return times, values


def test_a_wasteful_target_is_raised(trace: Any) -> None:
    tuning = tune(CONFIG, trace, PLANT, settings=16, name="shop")
    assert tuning.is_change and not tuning.is_partial
    assert tuning.reason["code"] == "proved_better"
    before, after = tuning.current.expected, tuning.recommended.expected
    assert before is not None and after is not None
    assert after["replica_hours_per_day"]["high"] < before["replica_hours_per_day"]["low"]
    assert after["saved_share"]["mean"] > 0.1
    assert tuning.recommended.changes["policies[0].target"] > 0.3
    Autoscaler(tuning.recommended.config)
    assert tuning.to_dict() == json.loads(tuning.to_json())
    assert "shop: a change recommended after" in repr(tuning)


def test_a_table_has_a_row_for_each(trace: Any) -> None:
    pytest.importorskip("pandas")
    tuning = tune(CONFIG, trace, PLANT, settings=8)
    table = tuning.to_pandas()
    assert list(table["what"])[-2:] == ["current", "recommended"]
    assert len(table) == len(tuning.front) + 2


def test_a_plot_shows_the_front(trace: Any) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    figure = tune(CONFIG, trace, PLANT, settings=8).plot()
    assert len(figure.axes) == 1


def test_space_and_objective_are_heeded(trace: Any) -> None:
    tuning = tune(
        CONFIG,
        trace,
        PLANT,
        settings=4,
        space=[{"path": "policies[0].target", "values": [0.5, 0.6]}],
        objective={"kind": "least_cost", "violation_share": 0.05},
    )
    assert tuning.to_dict()["n_tried"] == 2
    assert tuning.to_dict()["objective"]["violation_share"] == 0.05


def test_a_search_is_stopped_with_what_there_is(trace: Any) -> None:
    heard: list[float] = []

    def go_on(done: float) -> bool:
        heard.append(done)
        return False

    tuning = tune(CONFIG, trace, {"interval": "1s"}, settings=256, go_on=go_on)
    assert tuning.is_partial and not tuning.is_change
    assert tuning.reason["code"] == "interrupted"
    assert heard and 0 <= heard[0] <= 1

    def fails(done: float) -> bool:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        tune(CONFIG, trace, PLANT, settings=64, go_on=fails)


def test_what_cannot_be_tuned_is_named(trace: Any) -> None:
    with pytest.raises(ConfigError, match="`settings` is 0"):
        tune(CONFIG, trace, settings=0)
    with pytest.raises(ConfigError, match=r"space\[0\].path"):
        tune(CONFIG, trace, space=[{"path": "policies[0].goal", "values": [1]}])
    with pytest.raises(ConfigError, match="`space` is empty"):
        tune(CONFIG, trace, space=[])
    with pytest.raises(ConfigError, match="violation_share"):
        tune(CONFIG, trace, objective={"kind": "least_cost", "violation_share": 2})
    times, values = trace
    with pytest.raises(TraceError, match="too short"):
        tune(CONFIG, (times[:5], values[:5]), {"interval": "10m"})
    with pytest.raises(TraceError, match="no load"):
        tune(CONFIG, (times, [0.0] * len(times)))
