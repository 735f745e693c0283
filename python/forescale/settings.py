"""The keys of the configuration, for type checkers and editors.

Nothing here is needed at run time: a plain mapping is a configuration. What each setting means, its
range and its default stand with the core's settings of the same name; a test compares the kinds
and keys here with those that the core knows.

>>> from forescale.settings import Config
>>> config: Config = {
...     "max_replicas": 9,
...     "metrics": {"cpu": {"kind": "utilization"}},
...     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}],
... }
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, NotRequired, Required, TypeAlias, TypedDict

__all__ = [
    "Auto",
    "AutoDetector",
    "Backlog",
    "Batch",
    "Calendar",
    "CalendarEntry",
    "CalendarRange",
    "Capacity",
    "ChangeLimit",
    "Combine",
    "Concurrency",
    "Config",
    "Cooldown",
    "Croston",
    "CusumDetector",
    "Detector",
    "Drift",
    "ElasticNet",
    "Ets",
    "EveryPolicy",
    "FactorBoost",
    "Fallback",
    "Fixed",
    "FixedLeadTime",
    "FixedValue",
    "FlapBudget",
    "Forecaster",
    "Guard",
    "Harmonic",
    "HoltWinters",
    "Jobs",
    "KOfN",
    "Kalman",
    "LatencyCapacity",
    "LeadTime",
    "LearnedCapacity",
    "LearnedLeadTime",
    "Limit",
    "Metric",
    "Mstl",
    "Naive",
    "PassThrough",
    "Peers",
    "Policy",
    "Predictive",
    "QuantityBoost",
    "Rate",
    "RecordDetector",
    "Regressor",
    "Regressors",
    "Relation",
    "ResourceSizing",
    "Rule",
    "Schedule",
    "Screen",
    "SeasonalNaive",
    "ShapeDetector",
    "ShiftDetector",
    "Simple",
    "Sizing",
    "Span",
    "SpikeDetector",
    "Stabilization",
    "StartupBoost",
    "Step",
    "StepAdjustment",
    "StuckDetector",
    "Target",
    "TargetTracking",
    "TargetValue",
    "Theta",
    "Threshold",
    "TimeToLimit",
    "Tolerance",
    "ToleranceBand",
    "Treatment",
    "Trigger",
    "VarianceDetector",
    "Watermark",
    "Window",
    "WithoutBehavior",
    "Zero",
]

Span: TypeAlias = str | float | timedelta
"""A span of time: a text such as ``"90s"`` or ``"1h30m"``, seconds, or a timedelta."""


class Config(TypedDict, total=False):
    """Settings of an autoscaler."""

    min_replicas: int
    max_replicas: Required[int]
    mode: Literal["observe", "scale_up_only", "on"]
    metrics: dict[str, Metric]
    capacity: Capacity
    lead_time: LeadTime
    policies: list[Policy]
    combine: Combine
    guards: list[Guard]
    zero: Zero
    pause_at_zero: bool


Treatment: TypeAlias = Literal["hold", "cap", "substitute", "pass"]


class Screen(TypedDict, total=False):
    """What is done with readings of a metric that cannot be believed, and for how long."""

    invalid: Treatment
    rise: Treatment
    fall: Treatment
    zero: Treatment
    unit: Treatment
    stuck: Treatment
    replica: Treatment
    accept_after: Span
    accept_zero_after: Span
    accept_stuck_after: Span
    substitute_for: Span
    samples: int


class Metric(TypedDict):
    """What a bare number of the metric means, how its readings are screened, and who watches it."""

    kind: Literal["total", "average", "utilization"]
    screen: NotRequired[Screen | Literal["off"]]
    detector: NotRequired[Detector]


class Zero(TypedDict, total=False):
    """Scaling to and from zero: by one metric, or by several triggers."""

    metric: str
    activation: float
    triggers: list[Trigger]
    idle_grace: Span
    initial_grace: Span
    learn_arrivals: bool


class Trigger(TypedDict):
    """A metric that tells whether there is work."""

    metric: str
    activation: NotRequired[float]


class Fixed(TypedDict, total=False):
    """A replica carries a load that is known."""

    kind: Required[Literal["fixed"]]
    metric: Required[str]
    load_per_replica: Required[float]
    target_utilization: float
    headroom: float


class LearnedCapacity(TypedDict, total=False):
    """What a replica carries is learnt from its load and its utilization."""

    kind: Required[Literal["learned"]]
    metric: Required[str]
    utilization: Required[str]
    load_per_replica: float
    target_utilization: float
    idle_utilization: float
    headroom: float
    settle: Span
    window: int


class LatencyCapacity(TypedDict, total=False):
    """What a replica carries within a latency objective is learnt from its load and the latency."""

    kind: Required[Literal["latency"]]
    metric: Required[str]
    latency: Required[str]
    objective: Required[float]
    load_per_replica: float
    headroom: float
    settle: Span


class FixedLeadTime(TypedDict):
    """The long form of a lead time that is known."""

    kind: Literal["fixed"]
    duration: Span


class LearnedLeadTime(TypedDict, total=False):
    """The lead time is learnt from the replicas that are seen to start."""

    kind: Required[Literal["learned"]]
    initial: Span
    quantile: float
    min: Span
    max: Span
    half_life: int


class EveryPolicy(TypedDict, total=False):
    """What every policy may have beside the settings of its kind."""

    direction: Literal["both", "up", "down"]
    guards: list[Guard]
    group: str
    fallback: Fallback


class Fallback(TypedDict, total=False):
    """What a policy proposes once its metric cannot be read for too long; as KEDA."""

    failures: int
    after: Span
    replicas: Required[int]
    behavior: Literal["static", "current", "higher", "lower"]


class KOfN(TypedDict):
    """What enough of the policies agree on."""

    kind: Literal["k_of_n"]
    scale_up: int
    scale_down: int


class Target(EveryPolicy, total=False):
    """As many replicas as bring a metric to its target; as the Kubernetes HPA."""

    kind: Required[Literal["target"]]
    metric: Required[str]
    target: Required[float]
    by: Literal["utilization", "average_value", "value"]
    tolerance: float | ToleranceBand


class ToleranceBand(TypedDict, total=False):
    """How far a ratio may lie from 1 before anything moves, for each direction."""

    up: float
    down: float



class TargetTracking(EveryPolicy, total=False):
    """As many replicas as bring a metric to its target, in only after longer; as AWS."""

    kind: Required[Literal["target_tracking"]]
    metric: Required[str]
    target: Required[float]
    scale_in: bool
    period: Span
    points_out: int
    points_in: int
    scale_in_margin: float
    warm_up: Span


class Step(EveryPolicy, total=False):
    """An adjustment by the size of a breach; as AWS's step scaling."""

    kind: Required[Literal["step"]]
    name: str
    metric: Required[str]
    threshold: Required[float]
    comparison: Required[Literal["above", "at_or_above", "below", "at_or_below"]]
    adjustment: Literal["change", "exact", "percent"]
    steps: Required[list[StepAdjustment]]
    min_adjustment: int
    aggregation: Literal["average", "minimum", "maximum"]
    points: int
    of: int
    period: Span
    missing_data: Literal["missing", "breaching", "not_breaching", "ignore"]
    warm_up: Span


class StepAdjustment(TypedDict, total=False):
    """By how much to adjust if the breach lies within bounds against the threshold."""

    lower: float
    upper: float
    by: Required[int]


class Simple(EveryPolicy, total=False):
    """One adjustment, then a wait; as AWS's simple scaling."""

    kind: Required[Literal["simple"]]
    name: str
    metric: Required[str]
    threshold: Required[float]
    comparison: Required[Literal["above", "at_or_above", "below", "at_or_below"]]
    adjustment: Literal["change", "exact", "percent"]
    by: Required[int]
    min_adjustment: int
    points: int
    of: int
    period: Span
    missing_data: Literal["missing", "breaching", "not_breaching", "ignore"]
    cooldown: Span


class Watermark(EveryPolicy, total=False):
    """Nothing moves between two marks; as the Datadog WPA."""

    kind: Required[Literal["watermark"]]
    metric: Required[str]
    low: float
    high: float
    algorithm: Literal["average", "absolute"]
    tolerance: float
    dwell_up: Span
    dwell_down: Span
    converge_towards: Literal["none", "low", "high"]
    scaling_step: int
    tolerate_zero: bool
    least_ready: float


class Backlog(EveryPolicy, total=False):
    """As many replicas as work off a queue in time."""

    kind: Required[Literal["backlog"]]
    metric: Required[str]
    arrivals: str
    drain: Span
    rate_per_replica: Required[float]


class Jobs(EveryPolicy, total=False):
    """Jobs that work a queue off and end by themselves; as KEDA's ScaledJob."""

    kind: Required[Literal["jobs"]]
    metric: Required[str]
    target: Required[float]
    strategy: Literal["default", "custom", "accurate", "eager"]
    queue_length_deduction: int
    running_job_percentage: float
    min_jobs: int
    max_jobs: int


class Concurrency(EveryPolicy, total=False):
    """A stable and a panic average of the requests in flight; as the Knative KPA."""

    kind: Required[Literal["concurrency"]]
    metric: Required[str]
    target: Required[float]
    stable_window: Span
    panic_window_ratio: float
    panic_threshold: float
    max_scale_up_rate: float
    max_scale_down_rate: float
    scale_down_delay: Span
    activation_scale: int
    target_burst_capacity: float
    total_value: float


class Schedule(EveryPolicy, total=False):
    """A range of replicas at times known beforehand."""

    kind: Required[Literal["schedule"]]
    name: str
    cron: str
    duration: Span
    windows: list[Window]
    time_zone: str
    min_replicas: int
    max_replicas: int
    replicas: int
    rank: int


class Calendar(EveryPolicy, total=False):
    """Other limits at times known beforehand, one window at a time; as Cloud Foundry's schedules."""

    kind: Required[Literal["calendar"]]
    time_zone: str
    entries: Required[list[CalendarEntry]]
    otherwise: CalendarRange


class CalendarEntry(TypedDict, total=False):
    """A window that comes again, or one by date, and its range of replicas."""

    days_of_week: list[int]
    days_of_month: list[int]
    start_time: str
    end_time: str
    start_date: str
    end_date: str
    start: str
    end: str
    min_replicas: Required[int]
    max_replicas: Required[int]
    initial_min_replicas: int


class CalendarRange(TypedDict):
    """What holds while no window of the calendar is open."""

    min_replicas: int
    max_replicas: int


class Rule(EveryPolicy, total=False):
    """A fixed adjustment once a metric has breached a threshold; as Cloud Foundry."""

    kind: Required[Literal["rule"]]
    metric: Required[str]
    operator: Required[Literal[">", ">=", "<", "<="]]
    threshold: Required[float]
    breach_duration: Span
    cool_down: Span
    adjustment: Required[str | int]


class TargetValue(EveryPolicy, total=False):
    """The replicas times the ratio of a metric to its target; as Nomad's ``target-value``."""

    kind: Required[Literal["target_value"]]
    metric: Required[str]
    target: Required[float]
    threshold: float
    max_scale_up: int
    max_scale_down: int


class Threshold(EveryPolicy, total=False):
    """A fixed step while enough recent points lie within bounds; as Nomad's ``threshold``."""

    kind: Required[Literal["threshold"]]
    metric: Required[str]
    lower_bound: float
    upper_bound: float
    within_bounds_trigger: int
    window: Span
    delta: int
    percentage: float
    value: int


class FixedValue(EveryPolicy):
    """Always so many replicas; as Nomad's ``fixed-value``."""

    kind: Literal["fixed_value"]
    value: int


class PassThrough(EveryPolicy, total=False):
    """As many replicas as a metric says; as Nomad's ``pass-through``."""

    kind: Required[Literal["pass_through"]]
    metric: Required[str]
    max_scale_up: int
    max_scale_down: int


class Window(TypedDict):
    """A window by date, in civil time or with an offset of its own."""

    start: str
    end: str


class Predictive(EveryPolicy, total=False):
    """As many replicas as the forecast of the load needs."""

    kind: Required[Literal["predictive"]]
    metric: Required[str]
    risk: float | Literal["auto"]
    quantile: float
    step: Span
    horizon: Span
    forecaster: Forecaster
    min_skill: float


class Auto(TypedDict, total=False):
    """Finds the seasons, and mixes experts as they proved right. The default."""

    kind: Required[Literal["auto"]]
    experts: list[
        Literal[
            "ridge",
            "autoregression",
            "prior",
            "seasonal_naive",
            "profile",
            "slow_season",
            "naive",
            "level",
            "season_and_profile",
            "double_season",
        ]
    ]


class Naive(TypedDict):
    """As now."""

    kind: Literal["naive"]


class SeasonalNaive(TypedDict, total=False):
    """As last season, moved to the present level."""

    kind: Required[Literal["seasonal_naive"]]
    season: Span
    level: Span
    smooth: Span


class Drift(TypedDict, total=False):
    """As now, on the way the load has lately been going, ever less the further ahead."""

    kind: Required[Literal["drift"]]
    stretch: Span
    fade: Span


class Batch(TypedDict, total=False):
    """One walk through the whole history of each series when asked; for panels, and graphics cards."""

    kind: Required[Literal["batch"]]
    seasons: list[Span]
    n_samples: int


class HoltWinters(TypedDict, total=False):
    """Damped exponential smoothing with several seasons, of many settings at once."""

    kind: Required[Literal["holt_winters"]]
    seasons: list[Span]


class Kalman(TypedDict, total=False):
    """Level, trend and a passing deviation, filtered for many noise ratios at once."""

    kind: Required[Literal["kalman"]]
    seasons: list[Span]


class Theta(TypedDict, total=False):
    """A smoothed level and a share of the long line's slope; of many settings at once."""

    kind: Required[Literal["theta"]]
    season: Span | None
    line: Span


class Harmonic(TypedDict, total=False):
    """Seasons as sums of sines, at the level of now."""

    kind: Required[Literal["harmonic"]]
    seasons: list[Span]
    pairs: int
    memory: Span


class Croston(TypedDict, total=False):
    """Load that is mostly zero: how often it comes, and how much at a time."""

    kind: Required[Literal["croston"]]
    method: Literal["tsb", "croston", "sba"]
    smoothing: float


class Ets(TypedDict, total=False):
    """The trend of an exponential smoothing model (AutoETS), at the level of now."""

    kind: Required[Literal["ets"]]
    seasons: list[Span]
    n_samples: int
    refit: Span


class Mstl(TypedDict, total=False):
    """Several seasons and a trend, decomposed by MSTL."""

    kind: Required[Literal["mstl"]]
    seasons: list[Span]
    history: Span
    refit: Span


class ElasticNet(TypedDict, total=False):
    """One model for many series; settings of :class:`forescale.ElasticNet`."""

    horizon: int
    penalty: float
    l1_ratio: float
    rows: int


class Regressor(TypedDict, total=False):
    """What is known besides the load; settings of :class:`Regressors`."""

    lags: list[Span]


class Regressors(TypedDict, total=False):
    """Another forecaster, moved by regressors and holidays."""

    kind: Required[Literal["regressors"]]
    forecaster: Mapping[str, Any] | str
    regressors: Mapping[str, Regressor]
    holidays: list[str]
    like: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    time_zone: str


class Stabilization(TypedDict, total=False):
    """Only to the most careful recommendation of the last while; as the Kubernetes HPA."""

    kind: Required[Literal["stabilization"]]
    scale_up: Span
    scale_down: Span


class Rate(TypedDict, total=False):
    """No faster than so much in a period; as the Kubernetes HPA."""

    kind: Required[Literal["rate"]]
    scale_up: list[Limit]
    scale_down: list[Limit]
    select_scale_up: Literal["max", "min", "disabled"]
    select_scale_down: Literal["max", "min", "disabled"]


class Limit(TypedDict, total=False):
    """So many replicas, or so much percent, in a period."""

    replicas: int
    percent: int
    period: Required[Span]


class Tolerance(TypedDict, total=False):
    """No change by so small a share of the replicas."""

    kind: Required[Literal["tolerance"]]
    scale_up: float
    scale_down: float


class Cooldown(TypedDict, total=False):
    """No change within a time after the last one."""

    kind: Required[Literal["cooldown"]]
    scale_up: Span
    scale_down: Span



class FlapBudget(TypedDict, total=False):
    """So many turns in a window, then the size stays up."""

    kind: Required[Literal["flap_budget"]]
    turns: int
    window: Span


class ChangeLimit(TypedDict, total=False):
    """No change at once by more than a share of the replicas; as the Datadog WPA."""

    kind: Required[Literal["change_limit"]]
    scale_up: float
    scale_down: float


class WithoutBehavior(TypedDict, total=False):
    """The highest proposal of the last while; as a Kubernetes HPA without ``behavior``."""

    kind: Required[Literal["without_behavior"]]
    window: Span
    factor: float
    minimum: int


Capacity: TypeAlias = Fixed | LearnedCapacity | LatencyCapacity
"""What a replica carries."""

LeadTime: TypeAlias = Span | FixedLeadTime | LearnedLeadTime
"""From a replica's request to its readiness: known, or learnt; the text ``"learned"`` alone is that
kind with its defaults."""

Policy: TypeAlias = (
    Target
    | TargetTracking
    | Step
    | Simple
    | Watermark
    | Backlog
    | Jobs
    | Concurrency
    | Schedule
    | Calendar
    | Rule
    | TargetValue
    | Threshold
    | FixedValue
    | PassThrough
    | Predictive
)
"""Who proposes replicas."""

Combine: TypeAlias = KOfN | Literal["maximum", "all", "priority"]
"""How the proposals of several policies become one; a text alone is a kind."""


class _DetectorSettings(TypedDict, total=False):
    alarms_per_day: float
    season: Literal["none", "day", "week"]
    min_deviation: float
    direction: Literal["both", "above", "below"]


class AutoDetector(_DetectorSettings):
    """All evidence together. The default."""

    kind: Literal["auto"]


class SpikeDetector(_DetectorSettings):
    """One value that is far off."""

    kind: Literal["spike"]


class ShapeDetector(_DetectorSettings):
    """A course that no stretch of the last while resembles."""

    kind: Literal["shape"]


class ShiftDetector(_DetectorSettings):
    """A new level."""

    kind: Literal["shift"]


class CusumDetector(_DetectorSettings):
    """A small change that lasts."""

    kind: Literal["cusum"]


class RecordDetector(_DetectorSettings):
    """A value outside everything seen so far."""

    kind: Literal["record"]


class VarianceDetector(_DetectorSettings):
    """Noise that is larger or smaller than it was."""

    kind: Literal["variance"]


class StuckDetector(_DetectorSettings):
    """A value that stands still."""

    kind: Literal["stuck"]


Detector: TypeAlias = (
    AutoDetector
    | SpikeDetector
    | ShapeDetector
    | ShiftDetector
    | CusumDetector
    | RecordDetector
    | VarianceDetector
    | StuckDetector
    | Literal["auto", "spike", "shape", "shift", "cusum", "record", "variance", "stuck"]
)
"""What is abnormal in a series; a text alone is a kind."""

Forecaster: TypeAlias = (
    Auto
    | Naive
    | Drift
    | SeasonalNaive
    | HoltWinters
    | Kalman
    | Theta
    | Harmonic
    | Batch
    | Croston
    | Ets
    | Mstl
    | Regressors
    | Literal[
        "auto",
        "naive",
        "drift",
        "seasonal_naive",
        "holt_winters",
        "kalman",
        "theta",
        "harmonic",
        "batch",
        "croston",
        "ets",
        "mstl",
    ]
)
"""A model of the load; a text alone is a kind with its defaults."""

Guard: TypeAlias = (
    Stabilization
    | Rate
    | Tolerance
    | Cooldown
    | FlapBudget
    | ChangeLimit
    | WithoutBehavior
    | Literal[
        "stabilization",
        "rate",
        "tolerance",
        "cooldown",
        "flap_budget",
        "change_limit",
        "without_behavior",
    ]
)
"""Who holds changes back; a text alone is a kind with its defaults."""


class Sizing(TypedDict, total=False):
    """Settings of a :class:`forescale.Sizer`."""

    cpu: ResourceSizing
    memory: ResourceSizing
    margin: float
    pod_min_cpu_millicores: float
    pod_min_memory_mib: float
    n_containers: int
    memory_interval: Span
    memory_intervals: int
    oom_bump_ratio: float
    oom_min_bump_bytes: float
    cpu_sample_weight: Literal["constant", "request"]
    startup_boost: StartupBoost


class ResourceSizing(TypedDict, total=False):
    """How one resource is sized; amounts are millicores or bytes."""

    controlled: bool
    target_percentile: float
    lower_percentile: float
    upper_percentile: float
    half_life: Span
    confidence_interval: Span
    min_allowed: int
    max_allowed: int
    round_up_to: int


class FactorBoost(TypedDict):
    """A starting container gets so many times its CPU."""

    type: Literal["factor"]
    factor: float
    duration: NotRequired[Span]


class QuantityBoost(TypedDict):
    """A starting container gets so many millicores more."""

    type: Literal["quantity"]
    cpu_millicores: int
    duration: NotRequired[Span]


StartupBoost: TypeAlias = FactorBoost | QuantityBoost
"""More CPU while a container starts."""


class Peers(TypedDict, total=False):
    """Which member of a group differs from the others."""

    least_members: int
    least_ticks: int
    false_alarms_per_day: float
    forget_after: Span


class Relation(TypedDict, total=False):
    """Whether two metrics go on moving together."""

    memory: int
    chance: float
    accept_after: int


class TimeToLimit(TypedDict, total=False):
    """When a quantity reaches its limit."""

    limit: Required[float]
    side: Literal["above", "below"]
    reach: float
