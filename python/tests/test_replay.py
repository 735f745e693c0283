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

from forescale import ConfigError, Report, TraceError, replay

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
