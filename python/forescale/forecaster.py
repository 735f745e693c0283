"""One series and its forecaster, for a host that needs no autoscaler."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import _convert, _native
from ._saved import Configured
from .forecast import Abstain, Forecast, _answer

if TYPE_CHECKING:
    from . import settings as kinds

__all__ = ["Expert", "Forecaster"]


@dataclass(frozen=True, slots=True)
class Expert:
    """One of the experts that a forecaster mixes, around one horizon."""

    name: str
    """What it is called; the same at every horizon."""

    ahead: int
    """The horizon in steps."""

    weight: float
    """Its share in the forecast, from 0 to 1; all at one horizon are 1 together."""

    error: float
    """Its mean absolute error lately, in square roots of the load."""


class Forecaster(Configured):
    """Forecasts one series that it is fed.

    A value at a time speaks of the step that ends there. The steps run through the first time that
    came, so that values on any even grid are taken as they are: the forecast begins right after the
    last one. Values that come more often are averaged over their step, and nothing is learnt from
    it until a time has reached its end; values that come less often are taken along lines, and wide
    gaps are missing. It reads no clock, and any thread may use it.

    Parameters
    ----------
    settings
        The settings of a forecaster, as in a ``predictive`` policy: a mapping with its ``kind``, a
        kind alone, or JSON or YAML text; None for the default. Their types are
        :data:`forescale.settings.Forecaster`.
    step
        Length of the steps on which it learns and forecasts: a text such as ``"1m"``, seconds, or a
        timedelta.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range; ``path`` says which.

    Examples
    --------
    >>> model = Forecaster({"kind": "seasonal_naive", "season": "1h", "smooth": 0}, step="1m")
    >>> minutes = range(240)
    >>> loads = [100.0 if minute % 60 < 30 else 900.0 for minute in minutes]
    >>> model.observe([60 * minute for minute in minutes], loads)
    >>> forecast = model.forecast(horizon="1h", quantiles=[0.5, 0.95])
    >>> len(forecast.values), round(forecast.values[0][0]), round(forecast.values[45][0])
    (60, 100, 900)
    >>> Forecaster("naive").settings
    {'kind': 'naive'}
    """

    __slots__ = ()
    _restore = staticmethod(_native.Forecaster.restore)
    _core: _native.Forecaster

    def __init__(
        self,
        settings: kinds.Forecaster | Mapping[str, Any] | str | None = None,
        *,
        step: str | float | timedelta = "1m",
    ) -> None:
        self._core = _native.Forecaster(_convert.settings_text(settings), _convert.span(step))

    def observe(
        self,
        times: Iterable[datetime | float] | datetime | float,
        values: Iterable[float | None] | float | None,
    ) -> None:
        """Take in values and their times, the oldest first, each after all before.

        Parameters
        ----------
        times
            As for :meth:`Autoscaler.warm_up`: lists, NumPy arrays, columns of pandas or polars; or
            one time.
        values
            One for each time, in the unit of the load; None or NaN if missing.

        Raises
        ------
        ObservationError
            If the two differ in length, the times do not rise, or a value is negative or infinite;
            nothing is taken in then.
        """
        self._core.observe(*_convert.pairs(times, values))

    def regressor(
        self,
        name: str,
        times: Iterable[datetime | float] | datetime | float,
        values: Iterable[float] | float,
    ) -> None:
        """Tell what is known besides the load, for a forecaster of the kind ``regressors``.

        Each value holds from its time until the next. Times may lie ahead, so that a campaign is
        known before it begins: a 1 at its begin, a 0 at its end. What belongs to a load should be
        told before it.

        Parameters
        ----------
        name
            One of the ``regressors`` of the settings.
        times
            As for :meth:`observe`, the oldest first; what was known from the first of them on is
            replaced.
        values
            One for each time.

        Raises
        ------
        ObservationError
            If no regressor has that name, the two differ in length, the times do not rise, or a
            value is missing or infinite; nothing is taken in then.
        """
        self._core.regressor(name, *_convert.pairs(times, values))

    def experts(self) -> list[Expert]:
        """Who the forecast is mixed from, around each horizon; empty for a model of its own."""
        return [Expert(**expert) for expert in json.loads(self._core.experts())]

    def forecast(
        self,
        horizon: int | str | timedelta = 60,
        quantiles: Sequence[float] = (0.5, 0.95),
    ) -> Forecast | Abstain:
        """What is expected after the last step that has ended.

        Parameters
        ----------
        horizon
            How far ahead: a whole number of steps, a text such as ``"30m"``, or a timedelta.
        quantiles
            Rising, each in (0, 1).

        Returns
        -------
        Forecast or Abstain
            ``Abstain`` is falsy and says why there is none.

        Raises
        ------
        ObservationError
            If the horizon is not 1 to 10,000 steps, or a quantile is out of range.
        """
        return _answer(self._core.forecast(_convert.horizon(horizon), list(quantiles)))

    @property
    def step(self) -> timedelta:
        """The length of its steps."""
        return timedelta(seconds=self._core.step())

    def __repr__(self) -> str:
        return f"<forescale.Forecaster {self.settings['kind']}, step {self.step}>"
