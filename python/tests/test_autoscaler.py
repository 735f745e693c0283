"""Configuration in, state out and in again."""

from __future__ import annotations

import copy
import json
import pickle
from collections import UserDict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import forescale
from forescale import Autoscaler, ConfigError, ForescaleError, SnapshotError


def test_mapping_json_and_yaml_configure_alike(reactive: dict[str, Any], tmp_path: Path) -> None:
    yaml = """
        min_replicas: 2
        max_replicas: 60
        metrics: { rps: { kind: total }, cpu: { kind: utilization } }
        policies:
          - { kind: target, metric: rps, target: 100 }
          - { kind: target, metric: cpu, target: 0.6 }
    """
    file = tmp_path / "scaler.yaml"
    file.write_text(yaml, encoding="utf-8")
    settings = Autoscaler(reactive).config
    for other in (
        Autoscaler(json.dumps(reactive)),
        Autoscaler(yaml),
        Autoscaler.from_file(file),
        Autoscaler.from_file(str(file)),
        Autoscaler(UserDict(reactive)),
        Autoscaler(reactive | {"min_replicas": np.int64(2)}),
    ):
        assert other.config == settings


def test_settings_tell_their_origin(reactive: dict[str, Any]) -> None:
    config = Autoscaler(reactive | {"lead_time": timedelta(seconds=90)}).config
    assert config["max_replicas"] == (60, True)
    assert config["mode"] == forescale.Setting(value="on", given=False)
    assert config["lead_time"] == ("1m 30s", True)
    assert config["policies[1].metric"].value == "cpu"


@pytest.mark.parametrize(
    ("change", "path", "text"),
    [
        ({"min_replicas": 61}, "min_replicas", "is 61"),
        ({"max_replica": 3}, "max_replica", "did you mean `max_replicas`"),
        ({"policies": [{"kind": "targt"}]}, "policies[0].kind", "did you mean `target`"),
        ({"policies": []}, "policies", "is empty"),
        ({"min_replicas": float("nan")}, "", "not JSON"),
        ({"min_replicas": object()}, "", "of type object"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_a_bad_setting_is_named_with_its_place(
    reactive: dict[str, Any], change: dict[str, Any], path: str, text: str
) -> None:
    with pytest.raises(ConfigError, match=".") as caught:
        Autoscaler(reactive | change)
    assert caught.value.path == path
    assert text in str(caught.value)
    assert isinstance(caught.value, ForescaleError) and isinstance(caught.value, ValueError)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "scaler.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Autoscaler.from_file(file)
    assert caught.value.__notes__ == [f"in {file}"]
    with pytest.raises(FileNotFoundError):
        Autoscaler.from_file(tmp_path / "none.json")


@pytest.mark.parametrize("config", [None, 3, [], b"{}"], ids=repr)
def test_a_configuration_is_a_mapping_or_a_text(config: Any) -> None:
    with pytest.raises(TypeError, match="`config` is of type"):
        Autoscaler(config)


class Named(Autoscaler):
    """A host may derive its own."""


@pytest.mark.parametrize(
    "twin_of",
    [
        lambda scaler: Named.restore(scaler.snapshot()),
        lambda scaler: Named.restore(bytearray(scaler.snapshot())),
        lambda scaler: Named.restore(scaler.to_dict()),
        lambda scaler: Named.restore(json.loads(json.dumps(scaler.to_dict()))),
        lambda scaler: pickle.loads(pickle.dumps(scaler)),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["bytes", "bytearray", "mapping", "json", "pickle", "copy", "deepcopy"],
)
def test_state_is_a_value(reactive: dict[str, Any], start: int, twin_of: Any) -> None:
    scaler = Named(reactive)
    scaler.decide(at=start, ready=10, metrics={"rps": 990.0, "cpu": 0.6})
    twin = twin_of(scaler)
    assert type(twin) is Named
    assert twin.snapshot() == scaler.snapshot()
    assert twin.config == scaler.config
    seen = {"at": start + 15, "ready": 10, "metrics": {"rps": 20.0, "cpu": 0.1}}
    assert twin.decide(**seen) == scaler.decide(**seen)
    before = scaler.snapshot()
    twin.decide(at=start + 30, ready=10)
    assert scaler.snapshot() == before, "the two share no state"


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b'{"format": "x"}', {"version": 99}])
def test_a_foreign_snapshot_is_refused(damage: Any) -> None:
    with pytest.raises(SnapshotError):
        Autoscaler.restore(damage)


@pytest.mark.parametrize("snapshot", [5, "{}", None, [123]], ids=repr)
def test_what_is_no_snapshot_at_all_is_a_type_error(snapshot: Any) -> None:
    with pytest.raises(TypeError, match="`snapshot` is of type .*, must be bytes or a mapping"):
        Autoscaler.restore(snapshot)


def test_a_cut_snapshot_is_refused(reactive: dict[str, Any]) -> None:
    with pytest.raises(SnapshotError):
        Autoscaler.restore(Autoscaler(reactive).snapshot()[:-7])


def test_repr_tells_limits_and_members(reactive: dict[str, Any]) -> None:
    text = repr(Autoscaler(reactive | {"guards": ["rate"]}))
    assert text == "<forescale.Autoscaler 2 to 60 replicas, mode on: target, target, rate>"


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(ConfigError("`a.b` is 1", "a.b")))
    assert (type(error), str(error), error.path) == (ConfigError, "`a.b` is 1", "a.b")
