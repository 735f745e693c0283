"""Predictive autoscaling to embed: observations of a workload in, replicas and the reason out.

    scaler = forescale.Autoscaler(config)
    decision = scaler.decide(at=now, ready=7, metrics={"rps": 1240.0})
    decision.replicas, decision.explain()

It needs no other package. Bare numbers for times and spans are seconds; points in time may also
be aware datetimes.
"""

from . import manifest, prometheus
from ._native import Bounds, Decision, Estimate, Reason, Recommendation, Step, __version__
from .autoscaler import Autoscaler, Setting
from .detector import Anomaly, Detector, Scores
from .errors import ConfigError, ForescaleError, ObservationError, SnapshotError, TraceError
from .forecast import Abstain, Accuracy, AccuracyRow, Forecast
from .forecaster import Expert, Forecaster
from .linting import Finding, Fix, lint
from .panel import GpuInfo, PanelForecast, forecast_panel, gpu_info
from .readings import Reading
from .replay import Report, replay
from .sizer import Refused, Sizer

__all__ = [
    "Abstain",
    "Accuracy",
    "AccuracyRow",
    "Anomaly",
    "Autoscaler",
    "Bounds",
    "ConfigError",
    "Decision",
    "Detector",
    "Estimate",
    "Expert",
    "Finding",
    "Fix",
    "Forecast",
    "Forecaster",
    "ForescaleError",
    "GpuInfo",
    "ObservationError",
    "PanelForecast",
    "Reading",
    "Reason",
    "Recommendation",
    "Refused",
    "Report",
    "Scores",
    "Setting",
    "Sizer",
    "SnapshotError",
    "Step",
    "TraceError",
    "__version__",
    "forecast_panel",
    "gpu_info",
    "lint",
    "manifest",
    "prometheus",
    "replay",
]
