"""The types of the settings have the kinds and the keys that the core knows."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from forescale import Autoscaler, ConfigError, Detector, ElasticNet, _native, settings

ROLES = {
    "capacity": settings.Capacity,
    "detector": settings.Detector,
    "forecaster": settings.Forecaster,
    "guards": settings.Guard,
    "policies": settings.Policy,
}


NEVER_ALONE = {"regressors"}
"""Kinds that are nothing by default: a text alone is refused."""


def members(role: Any) -> dict[str, Any]:
    """The settings' types of a role by their kind."""
    types = [role] if is_typeddict(role) else [each for each in get_args(role) if is_typeddict(each)]
    return {get_args(get_type_hints(each)["kind"])[0]: each for each in types}


def placed(role: str, member: dict[str, Any]) -> dict[str, Any]:
    """A configuration with that member in its place."""
    config: dict[str, Any] = {"max_replicas": 9}
    if role in ("capacity", "detector"):
        return config | {role: member}
    if role == "forecaster":
        predictive = {"kind": "predictive", "metric": "rps", "forecaster": member}
        return config | {"policies": [predictive]}
    return config | {role: [member]}


def known_keys(config: dict[str, Any]) -> set[str]:
    """What the core says it knows when it refuses the key `?`."""
    with pytest.raises(ConfigError, match=r"is not a known setting") as caught:
        Detector(config["detector"]) if "detector" in config else Autoscaler(config)
    _, told, known = str(caught.value).partition("(known: ")
    assert told, f"the core words it otherwise now: {caught.value}"
    return set(re.findall(r"`(\w+)`", known))


def test_the_roles_are_those_of_the_core() -> None:
    assert ROLES.keys() == _native.kinds().keys()


@pytest.mark.parametrize("role", ROLES)
def test_the_kinds_are_those_of_the_core(role: str) -> None:
    kinds = set(_native.kinds()[role])
    assert members(ROLES[role]).keys() == kinds
    texts = [each for each in get_args(ROLES[role]) if get_origin(each) is Literal]
    assert not texts or set(get_args(texts[0])) == kinds - NEVER_ALONE


@pytest.mark.parametrize(
    ("role", "kind"), [(role, kind) for role in ROLES for kind in _native.kinds()[role]]
)
def test_the_keys_of_a_member_are_those_of_the_core(role: str, kind: str) -> None:
    hints = get_type_hints(members(ROLES[role])[kind])
    assert hints.keys() - {"kind"} == known_keys(placed(role, {"kind": kind, "?": 1}))


def test_the_keys_of_the_whole_are_those_of_the_core() -> None:
    assert get_type_hints(settings.Config).keys() == known_keys({"max_replicas": 9, "?": 1})
    zero = {"metric": "rps", "?": 1}
    assert get_type_hints(settings.Zero).keys() == known_keys({"max_replicas": 9, "zero": zero})
    lead_time = {"kind": "learned", "?": 1}
    known = known_keys({"max_replicas": 9, "lead_time": lead_time})
    assert get_type_hints(settings.LearnedLeadTime).keys() - {"kind"} == known
    metrics = {"rps": {"kind": "total", "?": 1}}
    known = known_keys({"max_replicas": 9, "metrics": metrics})
    assert get_type_hints(settings.Metric).keys() == known
    metrics = {"rps": {"kind": "total", "screen": {"?": 1}}}
    known = known_keys({"max_replicas": 9, "metrics": metrics})
    assert get_type_hints(settings.Screen).keys() == known


def test_the_keys_of_the_elastic_net_are_those_of_the_core() -> None:
    with pytest.raises(ConfigError, match=r"is not a known setting") as caught:
        ElasticNet.fit([], step="1m", settings={"?": 1})
    known = re.findall(r"`(\w+)`", str(caught.value).partition("(known: ")[2])
    assert get_type_hints(settings.ElasticNet).keys() == set(known)
