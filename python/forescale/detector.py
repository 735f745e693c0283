"""What is abnormal in one series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from . import _convert, _native
from ._native import Anomaly
from ._saved import Configured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from . import settings as kinds

__all__ = ["Anomaly", "Detector", "Scores"]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What was said of many samples, an entry each: NumPy arrays where an array came, else lists."""

    score: Any
    """How much it is an event that was not told before, from 0 to 1; an alarm from 0.5 on."""

    p_value: Any
    """The share of samples that show as much or more when all is as usual."""

    expected: Any
    """What was expected; NaN before there is enough history, and for missing values."""

    lower: Any
    """Below this, one value in two thousand lies when all is as usual; else as ``expected``."""

    upper: Any
    """Above this, one value in two thousand lies when all is as usual; else as ``expected``."""

    is_anomaly: Any
    """Whether it is an alarm."""

    kind: list[str | None]
    """What it is, such as ``"level_up"``; None while all is as usual."""

    def __len__(self) -> int:
        return len(self.kind)

    def alarms(self) -> Iterator[tuple[int, str]]:
        """The number and the kind of each sample that is an alarm.

        >>> list(Detector(step="1m").score_many(range(0, 3600, 60), [9.0, 8.0] * 29 + [9.0, 90.0]).alarms())
        [(59, 'spike')]
        """
        for index, (alarm, kind) in enumerate(zip(self.is_anomaly, self.kind, strict=True)):
            if alarm and kind is not None:
                yield index, kind

    def plot(self, times: Iterable[datetime | float], values: Iterable[float | None]) -> Figure:
        """A figure of the values, the band that was expected and the alarms; needs matplotlib.

        ``times`` and ``values`` are those that were scored; ``figure.savefig("alarms.png")`` keeps it.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("plots need matplotlib: pip install forescale[plot]") from error
        when: list[Any] = [
            datetime.fromtimestamp(float(at), timezone.utc) for at in _convert.times(times)
        ]
        series = [math.nan if value is None else float(value) for value in _convert.values(values)]
        figure = Figure(figsize=(10, 4), layout="constrained")
        axes = figure.subplots()
        axes.fill_between(when, list(self.lower), list(self.upper), alpha=0.2, label="expected")
        axes.plot(when, series, linewidth=0.8, label="value")
        alarms = [index for index, _ in self.alarms()]
        axes.plot([when[k] for k in alarms], [series[k] for k in alarms], "ro", label="alarm")
        known = [value for value in series if math.isfinite(value)]
        if known:
            room = 0.05 * (max(known) - min(known)) or 1.0
            axes.set_ylim(min(known) - room, max(known) + room)
        axes.legend(loc="upper right")
        figure.autofmt_xdate()
        return figure


class Detector(Configured):
    """Says of each value of a series how abnormal it is, and learns from it.

    Nothing is resampled: each value is scored as it comes, by what is known from those before it. It
    reads no clock, and any thread may use it.

    Parameters
    ----------
    settings
        The settings of a detector: a mapping with its ``kind``, a kind alone, or JSON or YAML text;
        None for the default, which needs no setting. Their types are
        :data:`forescale.settings.Detector`.
    step
        The typical distance of two values: a text such as ``"5m"``, seconds, or a timedelta. It tells
        what a gap is, and how many values a day has.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range; ``path`` says which.

    Examples
    --------
    >>> detector = Detector(step="5m")
    >>> for index in range(576):
    ...     seen = detector.score(300 * index, 500.0 + 20.0 * (index // 12 % 24) + index * 7 % 13)
    >>> seen = detector.score(300 * 576, 5000.0)
    >>> seen.is_anomaly, seen.kind, seen.p_value < 0.01
    (True, 'spike', True)
    >>> seen.explain().startswith("5000 is a spike")
    True
    >>> Detector("shift").settings["alarms_per_day"]
    0.2
    """

    __slots__ = ()
    _restore = staticmethod(_native.Detector.restore)
    _core: _native.Detector

    def __init__(
        self,
        settings: kinds.Detector | Mapping[str, Any] | str | None = None,
        *,
        step: str | float | timedelta = "1m",
    ) -> None:
        self._core = _native.Detector(_convert.settings_text(settings), _convert.span(step))

    def score(self, at: datetime | float, value: float | None) -> Anomaly:
        """Score a value, then learn from it.

        Parameters
        ----------
        at
            An aware datetime or seconds since 1970, not before the last one.
        value
            None, NaN, an infinite value and one beyond 1e300 are missing. Say so where a value should
            have come: then its absence is told at once.

        Raises
        ------
        ObservationError
            If the time lies before the last one; nothing is learnt then.
        """
        return self._core.score(_convert.seconds(at), value)

    def score_many(
        self,
        times: Iterable[datetime | float],
        values: Iterable[float | None],
    ) -> Scores:
        """Score values one after the other, each by what is known from those before it.

        Parameters
        ----------
        times
            As for :meth:`Autoscaler.warm_up`: lists, NumPy arrays, columns of pandas or polars.
        values
            One for each time.

        Raises
        ------
        ObservationError
            If the two differ in length or a time lies before the one before; nothing is learnt then.
        """
        series = _convert.values(values)
        memory, alarms, kinds = self._core.score_many(_convert.times(times), series)
        columns: Any
        alarmed: Any
        if hasattr(series, "dtype"):
            import numpy as np

            columns = np.frombuffer(memory, dtype=np.float64).reshape(5, len(kinds))
            alarmed = np.frombuffer(alarms, dtype=np.bool_)
        else:
            shape = (5, len(kinds))
            columns = memoryview(memory).cast("d", shape).tolist() if kinds else [[]] * 5
            alarmed = [alarm == 1 for alarm in alarms]
        score, p_value, expected, lower, upper = columns
        return Scores(score, p_value, expected, lower, upper, alarmed, kinds)

    @property
    def step(self) -> timedelta:
        """The typical distance of two values."""
        return timedelta(seconds=self._core.step())

    def __repr__(self) -> str:
        return f"<forescale.Detector {self.settings['kind']}, step {self.step}>"
