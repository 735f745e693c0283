"""A recorded load through the loop, in simulated time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _convert, _native

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Diff", "Fronts", "Moment", "Report", "diff", "fronts", "replay"]


def replay(
    config: Mapping[str, Any] | str,
    trace: Any,
    plant: Mapping[str, Any] | str | None = None,
    *,
    name: str | None = None,
) -> Report:
    """Let an autoscaler carry a recorded load, and tell what it cost and what it missed.

    The loop is the live one, tick for tick. Other threads run meanwhile.

    Parameters
    ----------
    config
        As of :class:`Autoscaler`.
    trace
        The load of the whole workload over time: a pair of times and values, a mapping of
        ``times`` and ``values``, or a pandas Series with times as its index. Times and values may
        have any form that :meth:`Autoscaler.warm_up` takes. A mapping may have ``known``, too: by
        name, in the same forms, what is known besides the load for a forecaster with
        ``regressors``, values that each hold until the next. Those with the name of a metric of the
        configuration are shown as its readings when their time has come (a mean belongs to the end of
        its span); those of a regressor alone are told before the first decision, those of times to
        come too.
    plant
        What the workload is like: start-up delay, capacity of a replica and the like; a mapping,
        or JSON or YAML text. Default: every setting's default.
    name
        What the trace is called in the report. Default: the name of the Series, or ``trace``.

    Raises
    ------
    ConfigError
        If a setting is unknown, out of range or in conflict.
    TraceError
        If the trace cannot be replayed: it is empty, its times do not rise, or what is ``known`` is
        neither a metric nor a regressor of the configuration.
    """
    return Report(_native.replay(_convert.config_text(config), _trace(trace, name), _plant(plant)))


def diff(
    configs: Mapping[str, Mapping[str, Any] | str],
    trace: Any,
    plant: Mapping[str, Any] | str | None = None,
    *,
    name: str | None = None,
) -> Diff:
    """Let two configurations carry the same load, and tell where their decisions differ and why.

    Parameters
    ----------
    configs
        Two configurations by their names, in their order.
    trace, plant, name
        As of :func:`replay`.

    Raises
    ------
    ConfigError, TraceError
        As of :func:`replay`.
    """
    if len(configs) != 2:
        raise TypeError(f"`configs` has {len(configs)} configurations, must have 2")
    first, second = ((str(each), _convert.config_text(text)) for each, text in configs.items())
    return Diff(*_native.diff((first, second), _trace(trace, name), _plant(plant)))


def fronts(
    trace: Any,
    plant: Mapping[str, Any] | str | None = None,
    *,
    contenders: Sequence[str] | None = None,
    families: Mapping[str, Mapping[str, Mapping[str, Any] | str]] | None = None,
    name: str | None = None,
) -> Fronts:
    """Sweep ways to scale over the same load, each over its knob: violations against cost.

    Parameters
    ----------
    trace, plant, name
        As of :func:`replay`.
    contenders
        Names of ways to scale that people use, such as ``"hpa_tuned"`` and ``"predictive"``.
        Default: all of them, which takes some seconds.
    families
        Configurations of one's own: by the name of the family and the label of each.

    Raises
    ------
    ConfigError
        If a contender is unknown, or a configuration is refused.
    TraceError
        As of :func:`replay`.
    """
    own = [
        (str(family), [(str(label), _convert.config_text(text)) for label, text in configs.items()])
        for family, configs in (families or {}).items()
    ]
    names = None if contenders is None else list(contenders)
    return Fronts(_native.fronts(_trace(trace, name), _plant(plant), names, own))


def _trace(trace: Any, name: str | None) -> _native.Trace:
    called = str(name or getattr(trace, "name", None) or "trace")
    besides: Mapping[str, Any] = {}
    if isinstance(trace, Mapping) and "known" in trace:
        besides = trace["known"]
        trace = {key: value for key, value in trace.items() if key != "known"}
    times, values = _series(trace)
    whole = _native.Trace(called, _convert.times(times), _convert.values(values))
    for each, series in besides.items():
        times, values = _series(series)
        whole = whole.with_known(str(each), _convert.times(times), _convert.values(values))
    return whole


def _plant(plant: Mapping[str, Any] | str | None) -> str:
    return "{}" if plant is None else _convert.config_text(plant, "plant")


def _series(trace: Any) -> tuple[Any, Any]:
    if isinstance(trace, Mapping):
        if trace.keys() != {"times", "values"}:
            raise TypeError(f"`trace` has the keys {list(trace)}, must have `times` and `values`")
        return trace["times"], trace["values"]
    if hasattr(trace, "index") and hasattr(trace, "to_numpy"):
        return trace.index, trace
    if isinstance(trace, tuple) and len(trace) == 2:
        return trace
    wanted = "a pair of times and values, a mapping of them, or a pandas Series"
    raise TypeError(f"`trace` is of type {type(trace).__name__}, must be {wanted}")


class Report:
    """What a replay came to: the score, the bounds beside it, and what happened over time."""

    __slots__ = ("_core", "_told")

    def __init__(self, core: _native.Report) -> None:
        self._core = core
        self._told: dict[str, Any] | None = None

    @property
    def score(self) -> dict[str, Any]:
        """The figures of merit: cost in replica-hours, violation minutes, actions, elasticity."""
        return dict(self._read()["score"])

    @property
    def bounds(self) -> dict[str, Any]:
        """The scores of the best constant size and of who knows the load, on the same plant."""
        return dict(self._read()["bounds"])

    @property
    def agreement(self) -> dict[str, Any] | None:
        """How closely it follows what really ran; None before :meth:`against`."""
        told = self._read().get("agreement")
        return None if told is None else dict(told)

    def against(self, recorded: Any) -> Report:
        """The report held against the replicas that really ran.

        Parameters
        ----------
        recorded
            The replicas over time, in any form that ``trace`` of :func:`replay` has; None or NaN is
            a hole in the record.

        Raises
        ------
        TraceError
            If the times do not rise, a size is negative, or the record nowhere meets the replay.
        """
        times, replicas = _series(recorded)
        return Report(self._core.against(_convert.times(times), _convert.values(replicas)))

    def explain(self, at: datetime | float) -> Moment:
        """Tell what happened at a moment of the replay, and why.

        Parameters
        ----------
        at
            An aware datetime or seconds since 1970, within what was replayed.

        Raises
        ------
        TraceError
            If that moment was not replayed.
        ConfigError
            If the plant did not keep the ``decisions``.
        """
        return Moment(*self._core.explain(_convert.seconds(at)))

    def to_json(self) -> str:
        """The report as JSON, byte for byte as in every other language."""
        return self._core.to_json()

    def to_dict(self) -> dict[str, Any]:
        """The report as plain Python values, with the keys of the JSON."""
        told: dict[str, Any] = json.loads(self.to_json())
        return told

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained HTML page with pictures."""
        Path(path).write_text(self._core.to_html(), encoding="utf-8")

    def plot(self) -> Figure:
        """A figure of the load against the capacity, and of the replicas; needs matplotlib."""
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("plots need matplotlib: pip install forescale[plot]") from error
        report = self._read()
        series, score = report["series"], report["score"]
        start = datetime.fromtimestamp(series["start"] / 1000, timezone.utc)
        step = timedelta(minutes=score["minutes"]) / len(series["load"])
        times: list[Any] = [start + index * step for index in range(len(series["load"]))]
        figure = Figure(figsize=(10, 6), layout="constrained")
        load, replicas = figure.subplots(2, sharex=True)
        load.plot(times, series["capacity"], drawstyle="steps-post", label="capacity")
        load.plot(times, series["load"], label="load")
        load.set_title(f"{report['trace']}: {self._summary()}")
        replicas.plot(times, series["wanted"], drawstyle="steps-post", label="wanted")
        replicas.plot(times, series["ready"], drawstyle="steps-post", label="ready")
        replicas.set_ylabel("replicas")
        for axes in (load, replicas):
            axes.set_ylim(bottom=0)
            axes.legend(loc="upper right")
        figure.autofmt_xdate()
        return figure

    def __repr__(self) -> str:
        return f"<forescale.Report of {self._read()['trace']}: {self._summary()}>"

    def _summary(self) -> str:
        score = self.score
        return (
            f"{score['replica_hours']:.1f} replica-hours, "
            f"{score['violation_minutes']:.0f} of {score['minutes']:.0f} minutes violated, "
            f"{score['actions']} actions"
        )

    def _read(self) -> dict[str, Any]:
        """The report as it was read first, which nobody else holds."""
        if self._told is None:
            self._told = self.to_dict()
        return self._told


class Moment:
    """One moment of a replay: what was wanted and by whom, what held it, what was forecast."""

    __slots__ = ("_json", "_told")

    def __init__(self, as_json: str, told: str) -> None:
        self._json = as_json
        self._told = told

    def explain(self) -> str:
        """A few English sentences."""
        return self._told

    def to_json(self) -> str:
        """The moment as JSON, byte for byte as in every other language."""
        return self._json

    def to_dict(self) -> dict[str, Any]:
        """The moment as plain Python values, with the keys of the JSON."""
        told: dict[str, Any] = json.loads(self._json)
        return told

    def __repr__(self) -> str:
        return f"<forescale.Moment: {self._told}>"


class Diff:
    """Where the decisions of two configurations differ over the same load."""

    __slots__ = ("_json", "_told")

    def __init__(self, as_json: str, told: str) -> None:
        self._json = as_json
        self._told = told

    def to_json(self) -> str:
        """The comparison as JSON, byte for byte as in every other language."""
        return self._json

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain Python values, with the keys of the JSON."""
        told: dict[str, Any] = json.loads(self._json)
        return told

    def __str__(self) -> str:
        return self._told


class Fronts:
    """The fronts of several ways to scale on one trace: violations against replica-hours."""

    __slots__ = ("_core",)

    def __init__(self, core: _native.Fronts) -> None:
        self._core = core

    def cost(self, name: str, violation_share: float) -> float | None:
        """The least replica-hours at so many violations, as a share of the minutes.

        None if there are always more, or the name is unknown.
        """
        return self._core.cost(name, violation_share)

    def gap_closed(
        self, violation_share: float, *, by: str = "predictive", than: str = "hpa_tuned"
    ) -> float | None:
        """The share of the gap from one way to scale to clairvoyance that another one closes.

        0 is as dear as ``than``, 1 as cheap as who knows the load; minus infinity where only ``by``
        always has more violations, None where there is nothing to compare.
        """
        return self._core.gap_closed(violation_share, by, than)

    def to_json(self) -> str:
        """The fronts as JSON, byte for byte as in every other language."""
        return self._core.to_json()

    def to_dict(self) -> dict[str, Any]:
        """The fronts as plain Python values, with the keys of the JSON."""
        told: dict[str, Any] = json.loads(self.to_json())
        return told

    def to_svg(self, path: str | os.PathLike[str]) -> None:
        """Write the picture of the fronts."""
        Path(path).write_text(self._core.to_svg(), encoding="utf-8")
