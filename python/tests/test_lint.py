"""Findings as objects: their fields, their fixes, and what is refused."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from forescale import ConfigError, Finding, Fix, lint


def marks(low: float) -> dict[str, Any]:
    return {
        "max_replicas": 9,
        "metrics": {"cpu": {"kind": "utilization"}},
        "policies": [{"kind": "watermark", "metric": "cpu", "low": low, "high": 0.7}],
    }


def test_what_must_oscillate_is_told_with_the_change_that_mends_it() -> None:
    [found] = lint(marks(0.5))
    assert isinstance(found, Finding) and isinstance(found.fix, Fix)
    assert (found.code, found.severity, found.path) == ("oscillation", "error", "policies[0].low")
    assert found.facts["replicas_low"] == 1
    assert str(found).startswith("error[oscillation] policies[0].low: At 1 replica ")
    assert str(found).endswith(found.fix.message)
    assert lint(marks(found.fix.value)) == []


def test_schedules_count_from_now_on() -> None:
    window = {"start": "2025-12-01", "end": "2026-01-01"}
    schedule = {"kind": "schedule", "windows": [window], "min_replicas": 3}
    config = {"max_replicas": 9, "policies": [schedule]}
    assert lint(config) == []
    [found] = lint(config, now=datetime(2026, 1, 3, tzinfo=timezone.utc))
    assert (found.code, found.facts, found.fix) == ("schedule_never_holds", {"closed_days": 2}, None)


def test_what_does_not_build_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_replicas"):
        lint({"max_replicas": 0})
