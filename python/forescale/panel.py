"""The forecasts of many series at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import _convert, _native
from ._native import Reason
from .errors import ConfigError
from .forecast import Abstain, Forecast

if TYPE_CHECKING:
    from . import settings as kinds

__all__ = ["PanelForecast", "forecast_panel"]


@dataclass(frozen=True, slots=True, eq=False)
class PanelForecast:
    """Quantiles of the load of many series for each of the next steps; ``panel[3]`` is one series."""

    issued_at: datetime
    """End of the last sample, in UTC."""

    step: timedelta
    """Time between two rows of a series."""

    quantiles: list[float]
    """Rising, each in (0, 1)."""

    values: Any
    """[series, horizon, quantile], in the units of the loads; NaN where a series abstains.

    A NumPy array where an array or a table was given, else nested lists. Row ``h`` of a series,
    from 0, speaks of the step that ends at ``issued_at + (h + 1) * step``.
    """

    abstained: dict[int, Reason]
    """The series without a forecast, and why."""

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, series: int) -> Forecast | Abstain:
        """One series, as a :class:`Forecaster` of its own would answer."""
        rows = self.values[series]
        reason = self.abstained.get(series % len(self.values))
        if reason is not None:
            return Abstain(reason)
        rows = rows.tolist() if hasattr(rows, "tolist") else rows
        return Forecast(self.issued_at, self.step, self.quantiles, rows)


def forecast_panel(
    values: Any,
    *,
    step: str | float | timedelta,
    horizon: int | str | timedelta,
    quantiles: Sequence[float] = (0.5, 0.95),
    settings: kinds.Forecaster | Mapping[str, Any] | str | None = None,
    start: datetime | float | None = None,
    device: str = "auto",
) -> PanelForecast:
    """Forecast many series, each with a model of its own, on all cores.

    The answer is the same whatever the number of cores. Other threads run meanwhile.

    Parameters
    ----------
    values
        [series, sample], the oldest sample first: a NumPy array, whatever its layout, a DataFrame
        whose rows are the series, or a sequence of sequences of one length. What is NaN, None,
        negative or infinite counts as missing: a bad series does not cost the others their
        forecast.
    step
        Time between two samples: a text such as ``"5m"``, seconds, or a timedelta.
    horizon
        How far ahead: a whole number of steps, a text such as ``"30m"``, or a timedelta.
    quantiles
        Rising, each in (0, 1).
    settings
        As for :class:`Forecaster`.
    start
        The time of the first sample, which is the end of its step: an aware datetime, or seconds
        since 1970. Default: 0; models that know the calendar need the true one.
    device
        Where: ``"cpu"``, or ``"auto"`` for the fastest there is.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range, or the device is not there.
    ObservationError
        If the values are no matrix, the horizon is not 1 to 10,000 steps, or a quantile is out of
        range.

    Examples
    --------
    >>> panel = forecast_panel([[9.0] * 30, [None] * 30], step="1m", horizon=2, settings="naive")
    >>> panel.values[0], panel.abstained[1].code
    ([[9.0, 9.0], [9.0, 9.0]], 'too_little_history')
    """
    if device not in ("auto", "cpu"):
        raise ConfigError(f'`device` is {device!r}, must be "auto" or "cpu"', "device")
    matrix, is_array = _convert.matrix(values)
    issued_at, seconds, n_steps, levels, memory, abstained = _native.forecast_panel(
        _convert.settings_text(settings),
        matrix,
        _convert.span(step),
        0.0 if start is None else _convert.seconds(start, "start"),
        _convert.horizon(horizon),
        list(quantiles),
    )
    shape = (len(memory) // (8 * n_steps * len(levels)), n_steps, len(levels))
    forecasts: Any
    if is_array:
        import numpy as np

        forecasts = np.frombuffer(memory, dtype=np.float64).reshape(shape)
    else:
        forecasts = memoryview(memory).cast("d", shape).tolist() if memory else []
    return PanelForecast(issued_at, timedelta(seconds=seconds), levels, forecasts, dict(abstained))
