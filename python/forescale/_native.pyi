"""Types of the compiled part; a test compares the names with those at run time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, final

_Judged = Literal["forecast", "as_now", "yesterday", "level"]
_Score = tuple[float, float, float]
_PanelParts = tuple[datetime, float, int, list[float], bytearray, list[tuple[int, "Reason"]], str]

__version__: str

def kinds() -> dict[str, list[str]]:
    """The kinds of member that this build knows, by the place in the configuration."""

@final
class Autoscaler:
    """The core of ``forescale.Autoscaler`` and of ``forescale.SelfTuning``."""

    def __new__(cls, config: str) -> Autoscaler: ...
    @staticmethod
    def restore(snapshot: bytes) -> Autoscaler: ...
    @staticmethod
    def self_tuning(config: str, settings: str) -> Autoscaler: ...
    @staticmethod
    def restore_self_tuning(snapshot: bytes) -> Autoscaler: ...
    def retune(self, go_on: Callable[[float], object] | None = None) -> tuple[str, bool, str]: ...
    def events(self) -> list[tuple[str, bool, str]]: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def warm_up(self, metric: str, times: Any, values: Any) -> None: ...
    def regressor(self, metric: str, name: str, times: Any, values: Any) -> None: ...
    def decide(
        self,
        at: float,
        ready: int,
        pending: int,
        requested: int | None,
        metrics: Mapping[str, Any] | None,
    ) -> Decision: ...
    def forecast(
        self, metric: str, horizon: str | float, quantiles: Sequence[float]
    ) -> tuple[datetime, float, list[float], list[list[float]]] | Reason: ...
    def said(
        self, metric: str, at: float, load: float | None, quantiles: Sequence[float]
    ) -> tuple[str, str] | None: ...
    def accuracy(
        self, metric: str
    ) -> list[tuple[_Judged, float, float, int, _Score, _Score]]: ...

@final
class Detector:
    """The core of ``forescale.Detector``."""

    def __new__(cls, settings: str | None, step: str | float) -> Detector: ...
    @staticmethod
    def restore(snapshot: bytes) -> Detector: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def step(self) -> float: ...
    def score(self, at: float, value: float | None) -> Anomaly: ...
    def score_many(
        self, times: Any, values: Any
    ) -> tuple[bytearray, bytes, list[str | None]]: ...

@final
class Anomaly:
    """What a detector says of one sample."""

    @property
    def at(self) -> datetime:
        """When, in UTC."""
    @property
    def value(self) -> float | None:
        """The value it is about; None for a missing one."""
    @property
    def score(self) -> float:
        """How much it is an event that was not told before, from 0 to 1; an alarm from 0.5 on."""
    @property
    def p_value(self) -> float:
        """The share of samples that show as much or more when all is as usual."""
    @property
    def is_anomaly(self) -> bool:
        """Whether this is an alarm."""
    @property
    def kind(self) -> str | None:
        """What it is, such as ``level_up``; None while all is as usual."""
    @property
    def expected(self) -> float | None:
        """What was expected; None before there is enough history."""
    @property
    def lower(self) -> float | None:
        """Below this, one value in two thousand lies when all is as usual."""
    @property
    def upper(self) -> float | None:
        """Above this, one value in two thousand lies when all is as usual."""
    @property
    def reason(self) -> Reason:
        """Why, with the numbers."""
    def explain(self) -> str:
        """Why, as an English sentence."""

@final
class Peers:
    """The core of ``forescale.Peers``."""

    def __new__(cls, settings: str) -> Peers: ...
    @staticmethod
    def restore(snapshot: bytes) -> Peers: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def see(self, at: float, names: list[str], values: Any) -> str | Reason: ...

@final
class Relation:
    """The core of ``forescale.Relation``."""

    def __new__(cls, settings: str) -> Relation: ...
    @staticmethod
    def restore(snapshot: bytes) -> Relation: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def observe(self, at: float, first: float, second: float) -> str | Reason: ...

@final
class TimeToLimit:
    """The core of ``forescale.TimeToLimit``."""

    def __new__(cls, settings: str) -> TimeToLimit: ...
    @staticmethod
    def restore(snapshot: bytes) -> TimeToLimit: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def observe(self, times: Any, values: Any) -> None: ...
    def answer(self) -> str | Reason: ...
    def per_day(self) -> tuple[float, float, float] | None: ...
    def reset(self) -> None: ...

@final
class Forecaster:
    """The core of ``forescale.Forecaster``."""

    def __new__(cls, settings: str | None, step: str | float) -> Forecaster: ...
    @staticmethod
    def restore(snapshot: bytes) -> Forecaster: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def step(self) -> float: ...
    def experts(self) -> str: ...
    def observe(self, times: Any, values: Any) -> None: ...
    def regressor(self, name: str, times: Any, values: Any) -> None: ...
    def forecast(
        self, horizon: int | str | tuple[float], quantiles: Sequence[float]
    ) -> tuple[datetime, float, list[float], list[list[float]]] | Reason: ...

@final
class ElasticNet:
    """The core of ``forescale.ElasticNet``."""

    @staticmethod
    def fit(settings: str | None, values: Any, step: str | float, start: float) -> ElasticNet: ...
    @staticmethod
    def restore(snapshot: bytes) -> ElasticNet: ...
    def snapshot(self) -> bytes: ...
    def settings(self) -> str: ...
    def step(self) -> float: ...
    def forecast(
        self,
        history: Any,
        issued_at: float,
        horizon: int | str | tuple[float],
        quantiles: Sequence[float],
    ) -> tuple[datetime, float, list[float], list[list[float]]] | Reason: ...
    def forecast_panel(
        self,
        values: Any,
        start: float,
        horizon: int | str | tuple[float],
        quantiles: Sequence[float],
    ) -> _PanelParts: ...

def crosses(
    forecast: tuple[float, float, list[float], list[list[float]]],
    limit: float,
    within: str | float,
) -> tuple[datetime, float, float] | None:
    """The first step of a forecast above a limit: its end, the probability, the load."""

def forecast_panel(
    settings: str | None,
    values: Any,
    step: str | float,
    start: float,
    horizon: int | str | tuple[float],
    quantiles: Sequence[float],
    device: str,
    choice: str | None,
) -> _PanelParts:
    """The forecasts of the rows of a matrix, as memory of doubles, which rows abstain, and the device."""

def gpu_info(choice: str | None) -> str:
    """The adapter as JSON."""

def lint(config: str, now: float | None) -> str:
    """The findings as JSON, the worst first; `now` in seconds since the epoch."""

@final
class Trace:
    """A recorded load, and what is known besides."""

    def __new__(cls, name: str, times: Any, values: Any) -> Trace: ...
    def with_known(self, name: str, times: Any, values: Any) -> Trace: ...

def replay(config: str, trace: Trace, plant: str) -> Report:
    """Replays a trace."""

def fronts(
    trace: Trace,
    plant: str,
    contenders: Sequence[str] | None,
    families: Sequence[tuple[str, Sequence[tuple[str, str]]]],
) -> Fronts:
    """The fronts of contenders and of families of one's own."""

def diff(
    configs: tuple[tuple[str, str], tuple[str, str]], trace: Trace, plant: str
) -> tuple[str, str]:
    """Two configurations over the same trace, as JSON and as lines for people."""

def tune(
    config: str,
    trace: Trace,
    plant: str,
    options: str,
    choice: str | None = None,
    go_on: Callable[[float], object] | None = None,
) -> Tuning:
    """Searches; `go_on` hears the share that is done and stops the search where it answers False."""

def load_manifest(text: str) -> str:
    """The imports of a manifest as JSON."""

def read_prometheus(
    answers: Sequence[bytes], options: str
) -> tuple[list[float], list[float | None], float, list[str]]:
    """Times in seconds, values, the step in seconds and the warnings of a server's answers."""

def prometheus_chunks(start: float, end: float, step: str | float) -> list[tuple[float, float]]:
    """The starts and ends of the queries to ask for, in seconds."""

@final
class Fronts:
    """The core of ``forescale.Fronts``."""

    def cost(self, name: str, violation_share: float) -> float | None: ...
    def gap_closed(self, violation_share: float, by: str, than: str) -> float | None: ...
    def to_json(self) -> str: ...
    def to_svg(self) -> str: ...

@final
class Report:
    """The core of ``forescale.Report``."""

    def against(self, times: Any, replicas: Any) -> Report: ...
    def explain(self, at: float) -> tuple[str, str]: ...
    def to_json(self) -> str: ...
    def to_html(self) -> str: ...

@final
class Tuning:
    """The core of ``forescale.Tuning``."""

    def to_json(self) -> str: ...

@final
class Sizer:
    """The core of ``forescale.Sizer``."""

    def __new__(cls, config: str) -> Sizer: ...
    @staticmethod
    def restore(snapshot: bytes) -> Sizer: ...
    @staticmethod
    def from_checkpoint(config: str, checkpoint: str) -> Sizer: ...
    def snapshot(self) -> bytes: ...
    def checkpoint(self, at: float) -> str: ...
    def settings(self) -> str: ...
    def observe(
        self,
        at: float,
        container: str,
        cpu: float | None,
        memory: float | None,
        cpu_request: float | None,
    ) -> tuple[Reason | None, Reason | None]: ...
    def observe_many(
        self, container: str, times: Any, cpu: Any, memory: Any, cpu_request: Any
    ) -> list[tuple[int, tuple[Reason | None, Reason | None]]]: ...
    def out_of_memory(self, at: float, container: str, requested: float) -> Reason | None: ...
    def forget(self, container: str) -> None: ...
    def recommend(self, at: float | None) -> Recommendation: ...
    def startup_cpu(
        self, wanted: Recommendation, ready_for: str | float | None
    ) -> int | None: ...

@final
class Recommendation:
    """What a container should request of each resource, and why."""

    @property
    def cpu(self) -> Estimate:
        """CPU in millicores."""

    @property
    def memory(self) -> Estimate:
        """Memory in bytes."""

    def to_json(self) -> str:
        """The recommendation as JSON, byte for byte as in every other language."""

    def to_dict(self) -> dict[str, Any]:
        """The recommendation as plain Python values."""

@final
class Estimate:
    """What to request of one resource, and why."""

    @property
    def bounds(self) -> Bounds | None:
        """The amounts; None if there is nothing to size by."""

    @property
    def reason(self) -> Reason:
        """Why these, or why none."""

@final
class Bounds:
    """What to request, and between which bounds a present request may stay; millicores or bytes."""

    @property
    def lower(self) -> int:
        """Below this the container lacks."""

    @property
    def target(self) -> int:
        """What to request."""

    @property
    def upper(self) -> int:
        """Above this the container wastes; 10^14 while no bound is known."""

@final
class Decision:
    """The answer to one observation: replicas, and every step on the way to them."""

    @property
    def at(self) -> datetime:
        """When it was made for: the time of the observation, in UTC."""

    @property
    def current(self) -> int:
        """The replicas that the workload was asked to have before."""

    @property
    def replicas(self) -> int:
        """The replicas that it should have now."""

    @property
    def wish(self) -> float | None:
        """The highest proposal, unrounded and before guards and limits; None if there was none."""

    @property
    def mode(self) -> str:
        """The mode it was made in, as the configuration names it."""

    @property
    def steps(self) -> list[Step]:
        """Every stage, in order."""

    @property
    def wanted(self) -> list[Step]:
        """The stages that wanted a number: the policies."""

    @property
    def held(self) -> list[Step]:
        """The stages that kept another number than came to them: guards, zero, limits, the mode."""

    def explain(self) -> str:
        """The decision in one English sentence: what is done and why."""

    def to_json(self) -> str:
        """The decision as JSON, byte for byte as in every other language."""

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain Python values; `at` is in milliseconds, as in the JSON."""

    def __copy__(self) -> Decision: ...
    def __deepcopy__(self, _memo: Any) -> Decision: ...

@final
class Step:
    """One stage on the way to a decision: who spoke, the number before and after, and why."""

    @property
    def by(self) -> str:
        """Who spoke: a policy, a guard, or a stage of the loop."""

    @property
    def before(self) -> int:
        """Replicas that came into this stage."""

    @property
    def replicas(self) -> int | None:
        """Replicas that it answered with; None if it had no opinion."""

    @property
    def reason(self) -> Reason:
        """Why."""

@final
class Reason:
    """Why a stage answered as it did: a stable code, and numbers whose names carry the unit."""

    @property
    def code(self) -> str:
        """The stable name of the cause, in `snake_case`."""

    @property
    def facts(self) -> dict[str, float]:
        """The numbers, by names with their unit."""
