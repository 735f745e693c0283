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
from .elastic_net import ElasticNet
from .errors import ConfigError, ForescaleError, ObservationError, SnapshotError, TraceError
from .forecast import Abstain, Accuracy, AccuracyRow, Crossing, Forecast
from .forecaster import Expert, Forecaster
from .linting import Finding, Fix, lint
from .panel import GpuInfo, PanelForecast, forecast_panel, gpu_info
from .readings import Reading
from .replay import Diff, Fronts, Moment, Report, diff, fronts, replay
from .self_tuning import Retuned, SelfTuning
from .sizer import Refused, Sizer
from .tuning import Tuned, Tuning, tune
from .watching import Break, Limit, Peer, Peers, Relation, TimeToLimit

__all__ = [
    "Abstain",
    "Accuracy",
    "AccuracyRow",
    "Anomaly",
    "Autoscaler",
    "Bounds",
    "Break",
    "ConfigError",
    "Crossing",
    "Decision",
    "Detector",
    "Diff",
    "ElasticNet",
    "Estimate",
    "Expert",
    "Finding",
    "Fix",
    "Forecast",
    "Forecaster",
    "ForescaleError",
    "Fronts",
    "GpuInfo",
    "Limit",
    "Moment",
    "ObservationError",
    "PanelForecast",
    "Peer",
    "Peers",
    "Reading",
    "Reason",
    "Recommendation",
    "Refused",
    "Relation",
    "Report",
    "Retuned",
    "Scores",
    "SelfTuning",
    "Setting",
    "Sizer",
    "SnapshotError",
    "Step",
    "TimeToLimit",
    "TraceError",
    "Tuned",
    "Tuning",
    "__version__",
    "diff",
    "forecast_panel",
    "fronts",
    "gpu_info",
    "lint",
    "manifest",
    "prometheus",
    "replay",
    "tune",
]
