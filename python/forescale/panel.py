"""The forecasts of many series at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import _convert, _native
from ._native import Reason
from .forecast import Abstain, Forecast

if TYPE_CHECKING:
    from . import settings as kinds

__all__ = ["GpuInfo", "PanelForecast", "forecast_panel", "gpu_info"]


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

    device: str
    """What did it: ``"cpu"``, or the name of the graphics card."""

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
        Where: ``"cpu"``, ``"gpu"`` for the graphics card, or ``"auto"``, which takes the card where
        there is one and the panel is large. The card is for the settings ``"batch"``; its
        forecasts are those of the processor but for about the fourth digit. The environment
        variable ``FORESCALE_GPU`` chooses: ``off``, ``auto``, a part of a card's name, or
        ``software`` for a software driver (slow, for tests).

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
    matrix, is_array = _convert.matrix(values)
    parts = _native.forecast_panel(
        _convert.settings_text(settings),
        matrix,
        _convert.span(step),
        0.0 if start is None else _convert.seconds(start, "start"),
        _convert.horizon(horizon),
        list(quantiles),
        device,
        os.environ.get("FORESCALE_GPU"),
    )
    return _panel(parts, is_array)


def _panel(parts: _native._PanelParts, is_array: bool) -> PanelForecast:
    """What crossed as memory, as an array or as lists."""
    issued_at, seconds, n_steps, levels, memory, abstained, used = parts
    shape = (len(memory) // (8 * n_steps * len(levels)), n_steps, len(levels))
    forecasts: Any
    if is_array:
        import numpy as np

        forecasts = np.frombuffer(memory, dtype=np.float64).reshape(shape)
    else:
        forecasts = memoryview(memory).cast("d", shape).tolist() if memory else []
    span = timedelta(seconds=seconds)
    return PanelForecast(issued_at, span, levels, forecasts, dict(abstained), used)


@dataclass(frozen=True, slots=True)
class GpuInfo:
    """The graphics card that would be used."""

    adapter: str
    """As its driver calls it."""

    kind: str
    """``discrete``, ``integrated``, ``virtual``, ``cpu`` (a software driver) or ``other``."""

    driver: str
    """The driver and its version."""

    backend: str
    """``vulkan``, ``metal`` or ``dx12``."""

    max_binding_bytes: int
    """The longest piece of memory that a kernel sees at once: longer panels go in chunks."""

    max_buffer_bytes: int
    """The longest buffer."""

    max_invocations: int
    """The most invocations of one group."""

    has_timestamps: bool
    """Whether the time in a kernel can be told from that of the transfer."""


def gpu_info() -> GpuInfo:
    """The graphics card that ``device="gpu"`` takes; opens it.

    Raises
    ------
    ConfigError
        If there is none, with what the system says.
    """
    return GpuInfo(**json.loads(_native.gpu_info(os.environ.get("FORESCALE_GPU"))))
