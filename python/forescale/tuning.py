"""A search for better settings, in closed loop over a recorded load."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _convert, _native
from .replay import _plant, _trace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Tuned", "Tuning", "tune"]


def tune(
    config: Mapping[str, Any] | str,
    trace: Any,
    plant: Mapping[str, Any] | str | None = None,
    *,
    objective: Mapping[str, Any] | None = None,
    settings: int = 256,
    space: Iterable[Mapping[str, Any]] | None = None,
    selected: str | float | None = None,
    told: str | float | None = None,
    confidence: float = 0.9,
    seed: int = 1,
    device: str = "cpu",
    go_on: Callable[[float], object] | None = None,
    name: str | None = None,
) -> Tuning:
    """Search for better settings of an autoscaler on a recorded load.

    Forecasters learn on the first part of the trace, settings are chosen on the second, and what to
    expect of them is told by the third, which no choice has seen. What proves no better there than
    the current settings is not recommended: if that is the best, the one that was surest to be better
    has its turn. Other threads run meanwhile; Ctrl-C ends the search, and what has been found so far
    is returned, with ``is_partial`` set.

    Parameters
    ----------
    config, trace, plant, name
        As of :func:`replay`; the plant's ``scored`` is without effect.
    objective
        What is best: ``{"kind": "least_cost", "violation_share": 0.01}``, ``{"kind":
        "least_violations", "replica_hours_per_day": 200}`` or ``{"kind": "least_total",
        "violation_price": 30}``, where a minute in violation is as dear as so many minutes of the
        current fleet. Default: the last.
    settings
        How many settings are tried.
    space
        What may be changed: mappings of ``path`` and ``values``, or of ``path``, ``from`` and
        ``to`` (with ``log`` and ``grain``). Default: what the configuration leaves open.
    selected, told
        How much of the trace settings are chosen on, and how much of its end tells what to expect;
        seconds, or a text such as ``"7d"``. Default: a third, at most 14 days; a quarter, at most 7.
    confidence
        The share of cases in which what is expected lies in its interval.
    seed
        The same seed gives the same answer, whatever the number of cores.
    device
        Where settings are replayed: ``"cpu"``, ``"gpu"`` (an error without an adapter), or
        ``"auto"``, the graphics card if there is a real one and settings are many. The environment
        variable ``FORESCALE_GPU`` chooses the card as for :func:`forecast_panel`. What the card cannot
        replay goes the ordinary way, and whoever leads is replayed on the processor before it is
        recommended; :attr:`Tuning.device` and :attr:`Tuning.n_on_device` tell what was done there.
    go_on
        Hears now and then which share is done; where it answers False the search ends, and what
        has been found so far is returned.

    Raises
    ------
    ConfigError
        If a setting is unknown, out of range or in conflict, nothing of the space can be built, or
        the device is not there.
    TraceError
        If the trace is too short, has no load, or what is ``known`` is neither a metric nor a regressor
        of the configuration.
    """
    options: dict[str, Any] = {"settings": settings, "confidence": confidence, "seed": seed}
    options["device"] = device
    given = {"objective": objective, "selected": selected, "told": told}
    options |= {key: value for key, value in given.items() if value is not None}
    if space is not None:
        options["space"] = [dict(dimension) for dimension in space]
    return Tuning(
        _native.tune(
            _convert.config_text(config),
            _trace(trace, name),
            _plant(plant),
            _convert.config_text(options, "options"),
            os.environ.get("FORESCALE_GPU"),
            go_on,
        )
    )


class Tuned(NamedTuple):
    """Settings that were tried."""

    config: dict[str, Any]
    """The whole configuration, for :class:`Autoscaler`."""
    changes: dict[str, Any]
    """What differs from the current settings, by place."""
    selected: dict[str, float]
    """``violation_share`` and ``replica_hours_per_day`` where settings were chosen: of the best of
    many better than it will be."""
    expected: dict[str, dict[str, float]] | None
    """The same where nothing was chosen, and ``saved_share``, each with ``mean``, ``low`` and
    ``high``; None where the search was interrupted before."""


class Tuning:
    """What a search has found: the front, a recommendation, and what to expect of each."""

    __slots__ = ("_core", "_told")

    def __init__(self, core: _native.Tuning) -> None:
        self._core = core
        self._told: dict[str, Any] | None = None

    @property
    def recommended(self) -> Tuned:
        """What is best by the objective; the current settings where nothing proved better."""
        return _tuned(self._read()["recommended"])

    @property
    def current(self) -> Tuned:
        """The settings as they are."""
        return _tuned(self._read()["current"])

    @property
    def front(self) -> list[Tuned]:
        """What can be had at which violations, the fewest violations first."""
        return [_tuned(one) for one in self._read()["front"]]

    @property
    def reason(self) -> dict[str, Any]:
        """Why that is recommended: a code and its facts."""
        return dict(self._read()["reason"])

    @property
    def is_change(self) -> bool:
        """Whether something else than the current settings is recommended."""
        return bool(self._read()["recommended"] != self._read()["current"])

    @property
    def is_partial(self) -> bool:
        """Whether the search was interrupted."""
        return bool(self._read()["is_partial"])

    @property
    def device(self) -> str:
        """What replayed settings beside the processor: the adapter's name, or ``cpu``."""
        return str(self._read()["device"])

    @property
    def n_on_device(self) -> int:
        """Settings that were replayed on that device."""
        return int(self._read()["n_on_device"])

    def to_json(self) -> str:
        """The tuning as JSON, byte for byte as in every other language."""
        return self._core.to_json()

    def to_dict(self) -> dict[str, Any]:
        """The tuning as plain Python values, with the keys of the JSON."""
        told: dict[str, Any] = json.loads(self.to_json())
        return told

    def to_pandas(self) -> pd.DataFrame:
        """A row for each of the front, the current and the recommended settings; needs pandas."""
        import pandas as pd

        rows = [("front", one) for one in self.front]
        rows += [("current", self.current), ("recommended", self.recommended)]
        table = []
        for what, one in rows:
            row: dict[str, Any] = {"what": what, **one.selected}
            for figure, told in (one.expected or {}).items():
                row |= {f"expected_{figure}_{end}": number for end, number in told.items()}
            table.append(row | one.changes)
        return pd.DataFrame(table)

    def plot(self) -> Figure:
        """A figure of the front, where settings were chosen and beside it; needs matplotlib."""
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("plots need matplotlib: pip install forescale[plot]") from error
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        selected = [one.selected for one in self.front]
        x = [100 * point["violation_share"] for point in selected]
        axes.plot(x, [point["replica_hours_per_day"] for point in selected], ".-", label="front")
        for what, one in (("current", self.current), ("recommended", self.recommended)):
            point = one.selected
            axes.plot(
                100 * point["violation_share"], point["replica_hours_per_day"], "o", label=what
            )
            if one.expected is not None:
                share, cost = one.expected["violation_share"], one.expected["replica_hours_per_day"]
                axes.errorbar(
                    100 * share["mean"],
                    cost["mean"],
                    xerr=_arms(share, 100),
                    yerr=_arms(cost),
                    fmt="x",
                    label=f"{what}, expected",
                )
        axes.set_xlabel("minutes in violation, %")
        axes.set_ylabel("replica-hours a day")
        axes.set_title(str(self._read()["trace"]))
        axes.legend()
        return figure

    def __repr__(self) -> str:
        told = self._read()
        partial = ", interrupted" if told["is_partial"] else ""
        what = "a change" if self.is_change else "no change"
        return (
            f"<forescale.Tuning of {told['trace']}: {what} recommended "
            f"after {told['n_tried']} settings{partial}>"
        )

    def _read(self) -> dict[str, Any]:
        """The tuning as it was read first, which nobody else holds."""
        if self._told is None:
            self._told = self.to_dict()
        return self._told


def _arms(told: dict[str, float], scale: float = 1) -> list[list[float]]:
    """How far an interval reaches below and above its mean, which it may leave to one side."""
    below, above = told["mean"] - told["low"], told["high"] - told["mean"]
    return [[scale * max(below, 0.0)], [scale * max(above, 0.0)]]


def _tuned(one: dict[str, Any]) -> Tuned:
    changes = {change["path"]: change["value"] for change in one["changes"]}
    return Tuned(dict(one["config"]), changes, dict(one["selected"]), one["expected"])
