"""One model for many series that resemble each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from . import _convert, _native
from ._saved import Configured
from .forecast import Abstain, Forecast, _answer
from .panel import PanelForecast, _panel

if TYPE_CHECKING:
    from . import settings as kinds

__all__ = ["ElasticNet"]


class ElasticNet(Configured):
    """An elastic net over lags and the calendar, fitted on all series of a panel together.

    A short history that says little by itself is forecast as the others went on from where it is
    now; it need not be one of those of the fit. The method stands in the documentation of the Rust
    type of the same name. :meth:`fit` makes one.

    Examples
    --------
    >>> def load(series, hour):
    ...     return (3 if 8 <= (hour + series) % 24 < 18 else 1) * (100 + series) + hour * hour % 7
    >>> values = [[load(series, hour) for hour in range(240)] for series in range(8)]
    >>> net = ElasticNet.fit(values, step="1h", start=3600)

    A series that it has not seen, at midnight; ten to it, row 5 speaks of five in the morning.

    >>> history = [2.0 * load(4, hour) for hour in range(72)]
    >>> forecast = net.forecast(history, issued_at=72 * 3600)
    >>> abs(forecast.values[5][0] / (2 * load(4, 77)) - 1) < 0.2
    True
    """

    __slots__ = ()
    _restore = staticmethod(_native.ElasticNet.restore)
    _core: _native.ElasticNet

    @classmethod
    def fit(
        cls,
        values: Any,
        *,
        step: str | float | timedelta,
        start: datetime | float | None = None,
        settings: kinds.ElasticNet | Mapping[str, Any] | str | None = None,
    ) -> Self:
        """Fit the model, on all cores; other threads run meanwhile.

        Parameters
        ----------
        values, step, start
            As of :func:`forecast_panel`: [series, sample], of two days and the horizon at least. The
            time of day and of the week count, so ``start`` should be the true one.
        settings
            ``horizon``, how far ahead it will be asked for, in steps (default 12); ``penalty``,
            ``l1_ratio`` and ``rows``.

        Raises
        ------
        ConfigError
            If a setting is unknown or out of range.
        ObservationError
            If the values are no matrix, or too few.
        """
        matrix, _ = _convert.matrix(values)
        return cls._of(
            _native.ElasticNet.fit(
                _convert.settings_text(settings), matrix, _convert.span(step), _start(start)
            )
        )

    @property
    def step(self) -> timedelta:
        """Time between two samples."""
        return timedelta(seconds=self._core.step())

    def forecast(
        self,
        history: Iterable[float | None],
        *,
        issued_at: datetime | float,
        horizon: int | str | timedelta | None = None,
        quantiles: Sequence[float] = (0.5, 0.95),
    ) -> Forecast | Abstain:
        """Forecast a series from its last samples.

        Parameters
        ----------
        history
            The oldest first, a day and two hours of it at least; None or NaN if missing.
        issued_at
            The end of the last one: an aware datetime, or seconds since 1970.
        horizon
            How far ahead: a whole number of steps, a text such as ``"30m"``, or a timedelta, up to
            that of the fit, which is the default.
        quantiles
            Rising, each in (0, 1).

        Returns
        -------
        Forecast or Abstain
            ``Abstain`` is falsy and says why there is none.

        Raises
        ------
        ObservationError
            If an argument is out of range.
        """
        samples = _convert.values(history)
        at = _convert.seconds(issued_at, "issued_at")
        return _answer(self._core.forecast(samples, at, self._ahead(horizon), list(quantiles)))

    def forecast_panel(
        self,
        values: Any,
        *,
        start: datetime | float | None = None,
        horizon: int | str | timedelta | None = None,
        quantiles: Sequence[float] = (0.5, 0.95),
    ) -> PanelForecast:
        """Forecast many series, on all cores, each as :meth:`forecast` would.

        Parameters
        ----------
        values, start
            As of :func:`forecast_panel`, on the step of the fit.
        horizon, quantiles
            As of :meth:`forecast`.

        Raises
        ------
        ObservationError
            If the values are no matrix, or an argument is out of range.
        """
        matrix, is_array = _convert.matrix(values)
        levels = list(quantiles)
        parts = self._core.forecast_panel(matrix, _start(start), self._ahead(horizon), levels)
        return _panel(parts, is_array)

    def _ahead(self, horizon: int | str | timedelta | None) -> int | str | tuple[float]:
        return _convert.horizon(self.settings["horizon"] if horizon is None else horizon)

    def __repr__(self) -> str:
        return f"<forescale.ElasticNet, step {self.step}>"


def _start(start: datetime | float | None) -> float:
    return 0.0 if start is None else _convert.seconds(start, "start")
