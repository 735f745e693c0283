"""A recorded load through the loop: forms of a trace, the report, refusals."""

from __future__ import annotations

import builtins
import itertools
import json
import math
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forescale import ConfigError, Fronts, Report, TraceError, diff, fronts, replay

N_MINUTES = 2 * 1440
PLANT = {"scored": "8h", "start_up": "2m", "seed": 7}


@pytest.fixture
def trace(start: int) -> tuple[list[float], list[float]]:
    times = [start + 60.0 * minute for minute in range(N_MINUTES)]
    values = [1000 + 700 * math.sin(2 * math.pi * minute / 1440) for minute in range(N_MINUTES)]
    return times, values


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "min_replicas": 2,
        "max_replicas": 60,
        "metrics": {"cpu": {"kind": "utilization"}},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}],
    }


def test_a_report_tells_cost_and_violations(config: dict[str, Any], trace: Any) -> None:
    report = replay(config, trace, PLANT)
    assert isinstance(report, Report)
    assert report.score["minutes"] == pytest.approx(8 * 60)
    assert report.score["replica_hours"] > 0
    assert 0 <= report.score["violation_minutes"] <= report.score["minutes"]
    assert report.to_dict() == json.loads(report.to_json())
    assert "replica-hours" in repr(report)


def test_the_same_replay_is_the_same_to_the_byte(config: dict[str, Any], trace: Any) -> None:
    assert replay(config, trace, PLANT).to_json() == replay(config, trace, PLANT).to_json()
    assert replay(config, trace, PLANT).to_json() != replay(config, trace).to_json()


def test_every_form_of_trace_is_the_same(config: dict[str, Any], trace: Any) -> None:
    times, values = trace
    told = replay(config, trace, PLANT).to_json()
    arrays = (np.array(times, dtype="int64").astype("datetime64[s]"), np.array(values))
    assert replay(config, arrays, json.dumps(PLANT)).to_json() == told
    assert replay(config, {"times": times, "values": values}, PLANT).to_json() == told
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(values, index=pandas.to_datetime(times, unit="s", utc=True))
    assert replay(config, series, PLANT).to_json() == told


def test_a_missing_value_is_a_hole(config: dict[str, Any], trace: Any) -> None:
    times, values = trace
    holed = [None if minute == 700 else value for minute, value in enumerate(values)]
    nans = [math.nan if minute == 700 else value for minute, value in enumerate(values)]
    without = (times[:700] + times[701:], values[:700] + values[701:])
    told = replay(config, without, PLANT).to_json()
    assert replay(config, (times, holed), PLANT).to_json() == told
    assert replay(config, (times, nans), PLANT).to_json() == told


def test_the_page_stands_alone(config: dict[str, Any], trace: Any, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    replay(config, trace, PLANT, name="shop").to_html(page)
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text and "shop" in text
    assert "src=\"http" not in text


def test_other_threads_run_meanwhile(config: dict[str, Any], trace: Any) -> None:
    taken: list[float] = []

    def run() -> None:
        before = time.perf_counter()
        replay(config, trace, PLANT | {"interval": "1s"})
        taken.append(time.perf_counter() - before)

    thread = threading.Thread(target=run)
    thread.start()
    moments = [time.perf_counter()]
    while thread.is_alive():
        thread.join(0.001)
        moments.append(time.perf_counter())
    longest = max(later - sooner for sooner, later in itertools.pairwise(moments))
    assert longest < taken[0] / 2


@pytest.mark.parametrize(
    ("trace", "error"),
    [
        (([], []), TraceError),
        (([0.0, 60.0], [1.0]), TraceError),
        (([60.0, 0.0, 120.0], [1.0, 1.0, 1.0]), TraceError),
        (([0.0, 60.0, 120.0], [1.0, -1.0, 1.0]), TraceError),
        (([0.0, 60.0, 120.0], [1.0, math.inf, 1.0]), TraceError),
        ({"time": [0.0], "value": [1.0]}, TypeError),
        ([1.0, 2.0], TypeError),
        ("trace.csv", TypeError),
    ],
    ids=lambda case: str(case)[:40],
)
def test_what_is_no_trace_is_refused(
    config: dict[str, Any], trace: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        replay(config, trace)


def test_bad_settings_are_named(config: dict[str, Any], trace: Any) -> None:
    with pytest.raises(ConfigError, match="noise"):
        replay(config, trace, {"noise": 2})
    with pytest.raises(ConfigError, match="max_replicas"):
        replay({"max_replicas": 0}, trace)
    with pytest.raises(TypeError, match="`plant` is of type int"):
        replay(config, trace, 3)  # type: ignore[arg-type]


def test_a_plot_names_what_it_lacks(
    config: dict[str, Any], trace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = replay(config, trace, PLANT)
    known = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return known(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"forescale\[plot\]"):
        report.plot()


def test_a_plot_shows_load_and_replicas(config: dict[str, Any], trace: Any) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    figure = replay(config, trace, PLANT).plot()
    assert len(figure.axes) == 2


def test_a_report_is_held_against_what_really_ran() -> None:
    config = {
        "max_replicas": 9,
        "metrics": {"rps": {"kind": "total"}},
        "policies": [{"kind": "target", "metric": "rps", "target": 5}],
    }
    times = [60 * minute for minute in range(180)]
    plant = {"load_per_replica": 10, "noise": 0, "missing": 0, "initial_replicas": 4}
    report = replay(config, (times, [20.0] * 180), plant)
    assert report.agreement is None
    held = report.against((times, [4.0] * 150 + [None] * 10 + [5.0] * 20))
    assert held.agreement is not None
    assert held.agreement["n_unrecorded"] == 10 * 4
    assert held.agreement["equal_share"] == pytest.approx(30 / 50)
    assert held.agreement["within_one_share"] == 1.0
    assert report.agreement is None, "the first one stays as it was"
    with pytest.raises(TraceError, match="recorded replicas"):
        report.against(([10**9], [4.0]))


def test_a_moment_is_explained(config: dict[str, Any], trace: Any) -> None:
    report = replay(config, trace, PLANT | {"decisions": True})
    times, _ = trace
    moment = report.explain(times[-1] - 3600)
    told = moment.to_dict()
    assert told["decision"]["replicas"] > 0
    assert [step["by"] for step in told["wanted"]] == ["target(cpu)"]
    assert "target(cpu) says" in moment.explain()
    assert moment.explain() in repr(moment)
    with pytest.raises(TraceError, match="which was replayed"):
        report.explain(times[0])
    with pytest.raises(ConfigError, match="`decisions` is false"):
        replay(config, trace, PLANT).explain(times[-1] - 3600)


def test_two_configurations_are_held_side_by_side(config: dict[str, Any], trace: Any) -> None:
    careful = config | {"policies": [{"kind": "target", "metric": "cpu", "target": 0.4}]}
    told = diff({"now": config, "careful": careful}, trace, PLANT)
    sides = told.to_dict()
    assert sides["mean_difference"] > 1
    assert sides["b"]["score"] == replay(careful, trace, PLANT).score
    assert "careful: " in str(told)
    with pytest.raises(TypeError, match="must have 2"):
        diff({"now": config}, trace)


def test_fronts_compare_ways_to_scale(config: dict[str, Any], trace: Any, tmp_path: Path) -> None:
    told = fronts(
        trace, PLANT, contenders=["hpa", "static_peak"], families={"mine": {"as now": config}}
    )
    assert isinstance(told, Fronts)
    assert [sweep["name"] for sweep in told.to_dict()["sweeps"]] == ["hpa", "static_peak", "mine"]
    cost = told.cost("hpa", 0.01)
    assert cost is not None
    closed = told.gap_closed(0.01, by="hpa", than="static_peak")
    assert closed is not None
    assert 0 < closed <= 1
    told.to_svg(tmp_path / "fronts.svg")
    assert (tmp_path / "fronts.svg").read_text(encoding="utf-8").startswith("<svg")
    with pytest.raises(ConfigError, match="did you mean `hpa_tuned`"):
        fronts(trace, PLANT, contenders=["hpa_tune"])
    with pytest.raises(ConfigError, match=r"mine\.odd"):
        fronts(trace, PLANT, contenders=[], families={"mine": {"odd": {}}})


def test_a_price_and_faults_are_settings_of_the_plant(config: dict[str, Any], trace: Any) -> None:
    plain = replay(config, trace, PLANT).score
    assert "cost" not in plain
    faults = {"node_loss": {"per_day": 20}, "zero": {"per_day": 5, "lasts": "10m"}}
    wrong = replay(config, trace, PLANT | {"price": {"per_hour": 0.1}, "faults": faults}).score
    assert wrong["cost"] == pytest.approx(0.1 * wrong["replica_hours"], rel=0.01)
    assert wrong["violation_minutes"] > plain["violation_minutes"]
    assert wrong["recovery"]["longest_minutes"] >= wrong["recovery"]["median_minutes"] > 0
    with pytest.raises(ConfigError, match="`workload.objective`"):
        replay(config, trace, {"workload": {"kind": "servers", "objective": "1ms"}})
