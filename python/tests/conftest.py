"""What several tests stand on."""

from __future__ import annotations

from typing import Any

import pytest

START = 1_767_603_600  # Monday 2026-01-05 09:00 UTC, in seconds

REACTIVE: dict[str, Any] = {
    "min_replicas": 2,
    "max_replicas": 60,
    "metrics": {"rps": {"kind": "total"}, "cpu": {"kind": "utilization"}},
    "policies": [
        {"kind": "target", "metric": "rps", "target": 100},
        {"kind": "target", "metric": "cpu", "target": 0.6},
    ],
}

PREDICTIVE: dict[str, Any] = {
    "min_replicas": 2,
    "max_replicas": 60,
    "metrics": {"rps": {"kind": "total"}},
    "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
    "policies": [{"kind": "predictive", "metric": "rps", "quantile": 0.95, "step": "5m"}],
}


@pytest.fixture
def reactive() -> dict[str, Any]:
    return REACTIVE


@pytest.fixture
def predictive() -> dict[str, Any]:
    return PREDICTIVE


@pytest.fixture
def start() -> int:
    return START
