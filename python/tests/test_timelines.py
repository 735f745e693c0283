"""The timelines of the repository: the answers equal those of Rust, byte for byte."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from forescale import Autoscaler, Decision

FOLDER = Path(__file__).parents[2] / "tests" / "timelines"
TIMELINES = sorted(FOLDER.glob("*.json"))


def scaler_of(timeline: dict[str, Any]) -> Autoscaler:
    scaler = Autoscaler(timeline["config"])
    for told in timeline.get("told", []):
        times = [at / 1000 for at in told["times"]]
        scaler.regressor(told["metric"], told["name"], times, told["values"])
    if history := timeline.get("warm_up"):
        scaler.warm_up(history["metric"], [at / 1000 for at in history["times"]], history["values"])
    return scaler


def decide(scaler: Autoscaler, seen: dict[str, Any]) -> Decision:
    metrics = seen.get("metrics", {})
    return scaler.decide(at=seen["at"] / 1000, **seen["replicas"], metrics=metrics)


def test_there_are_timelines() -> None:
    assert TIMELINES, f"none in {FOLDER}"


@pytest.mark.parametrize("file", TIMELINES, ids=lambda file: file.stem)
def test_a_timeline_decides_as_written_to_the_byte(file: Path) -> None:
    timeline = json.loads(file.read_text(encoding="utf-8"))
    lines = file.with_suffix(".decisions.jsonl").read_text(encoding="utf-8").splitlines()
    scaler = scaler_of(timeline)
    decisions = [decide(scaler, seen) for seen in timeline["observations"]]
    assert [decision.to_json() for decision in decisions] == lines
    for decision, expected in zip(decisions, timeline["expected"], strict=True):
        codes = [step.reason.code for step in decision.steps]
        assert {"replicas": decision.replicas, "codes": codes} == expected, decision.explain()


@pytest.mark.parametrize("file", TIMELINES, ids=lambda file: file.stem)
def test_pickling_between_any_two_observations_changes_no_decision(file: Path) -> None:
    timeline = json.loads(file.read_text(encoding="utf-8"))
    straight, restored = scaler_of(timeline), scaler_of(timeline)
    for seen in timeline["observations"]:
        restored = pickle.loads(pickle.dumps(restored))
        assert decide(restored, seen) == decide(straight, seen)
    assert restored.snapshot() == straight.snapshot()
