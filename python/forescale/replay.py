"""A recorded load through the loop, in simulated time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _convert, _native

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report", "replay"]


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
        have any form that :meth:`Autoscaler.warm_up` takes.
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
        If the trace cannot be replayed: it is empty, or its times do not rise.
    """
    times, values = _series(trace)
    settings = "{}" if plant is None else _convert.config_text(plant, "plant")
    return Report(
        _native.replay(
            _convert.config_text(config),
            str(name or getattr(trace, "name", None) or "trace"),
            _convert.times(times),
            _convert.values(values),
            settings,
        )
    )


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
