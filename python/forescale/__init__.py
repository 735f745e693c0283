"""Predictive autoscaling to embed: observations of a workload in, replicas and the reason out.

    scaler = forescale.Autoscaler(config)
    decision = scaler.decide(at=now, ready=7, metrics={"rps": 1240.0})
    decision.replicas, decision.explain()

It needs no other package. Bare numbers for times and spans are seconds; points in time may also
be aware datetimes.
"""

from . import manifest, prometheus
from ._native import Decision, Reason, Step, __version__
from .autoscaler import Autoscaler, Setting
from .errors import ConfigError, ForescaleError, ObservationError, SnapshotError, TraceError
from .forecast import Abstain, Forecast
from .linting import Finding, Fix, lint
from .readings import Reading
from .replay import Report, replay

__all__ = [
    "Abstain",
    "Autoscaler",
    "ConfigError",
    "Decision",
    "Finding",
    "Fix",
    "Forecast",
    "ForescaleError",
    "ObservationError",
    "Reading",
    "Reason",
    "Report",
    "Setting",
    "SnapshotError",
    "Step",
    "TraceError",
    "__version__",
    "lint",
    "manifest",
    "prometheus",
    "replay",
]
