"""Manifests of other systems as settings."""

from __future__ import annotations

from pathlib import Path

import pytest

import forescale
from forescale.manifest import load

MANIFESTS = sorted(
    path
    for path in (Path(__file__).parents[2] / "tests" / "manifests").glob("*")
    if path.suffix in (".yaml", ".json")
)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_becomes_settings_that_build(path: Path) -> None:
    recorded = path.with_suffix(".report.txt").read_text(encoding="utf-8")
    told = ""
    for found in load(path.read_text(encoding="utf-8")):
        forescale.Autoscaler(found.config)
        forescale.Autoscaler(found.config_yaml)
        assert set(found.metrics) == set(found.config["metrics"])
        assert all(field.to or field.why for field in found.fields)
        told += f"{found}settings:\n{found.config_yaml}\n"
    assert told == recorded


def test_there_are_manifests() -> None:
    assert len(MANIFESTS) >= 20


def test_a_wrong_field_is_refused_with_its_line() -> None:
    text = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec:\n  maxReplicas: ten\n"
    with pytest.raises(forescale.ConfigError, match=r"`spec.maxReplicas` is \"ten\".*line 4"):
        load(text)


@pytest.mark.parametrize("wrong", [b"kind: List", Path("hpa.yaml"), {"kind": "List"}, None])
def test_what_is_no_text_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match=rf"`text` is of type {type(wrong).__name__}, must be"):
        load(wrong)  # type: ignore[arg-type]
