"""What is expected of a load, or why nothing is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from . import _convert, _native
from ._native import Reason

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Abstain", "Accuracy", "AccuracyRow", "Crossing", "Forecast"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A step of a forecast that lies above a limit."""

    at: datetime
    """The end of the step, in UTC."""

    probability: float
    """The load is above the limit there with at least this probability."""

    load: float
    """The load that is exceeded with that probability."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Quantiles of the load for each of the next steps."""

    issued_at: datetime
    """End of the last sample that went into it, in UTC."""

    step: timedelta
    """Time between two rows."""

    quantiles: list[float]
    """Rising, each in (0, 1)."""

    values: list[list[float]]
    """A row for each step, with a value for each quantile, in the unit of the load.

    Row ``h``, from 0, speaks of the step that ends at ``issued_at + (h + 1) * step``.
    """

    @property
    def times(self) -> list[datetime]:
        """The end of each step, in UTC."""
        return [self.issued_at + (ahead + 1) * self.step for ahead in range(len(self.values))]

    def crosses(self, limit: float, *, within: str | float | timedelta) -> Crossing | None:
        """Find the first step within a time at which one of the quantiles lies above a limit.

        An early warning: with the lead time of a replica as ``within`` and what all of them carry as
        ``limit``, a replica that is started now comes too late for it.

        >>> from datetime import timezone
        >>> issued_at = datetime(2026, 1, 5, 8, tzinfo=timezone.utc)
        >>> rows = [[70.0, 90.0], [80.0, 105.0], [110.0, 130.0]]
        >>> forecast = Forecast(issued_at, timedelta(minutes=1), [0.5, 0.95], rows)
        >>> crossing = forecast.crosses(100.0, within="5m")
        >>> crossing.at.minute, round(crossing.probability, 2), crossing.load
        (2, 0.05, 105.0)
        """
        parts = (self.issued_at.timestamp(), self.step.total_seconds(), self.quantiles, self.values)
        found = _native.crosses(parts, limit, _convert.span(within))
        return None if found is None else Crossing(*found)

    def to_numpy(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The values as an array [horizon, quantile]; needs NumPy."""
        import numpy as np

        shape = (len(self.values), len(self.quantiles))
        return np.array(self.values, dtype=np.float64).reshape(shape)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each step by its end, a column for each quantile; needs pandas."""
        import pandas as pd

        index = pd.DatetimeIndex(self.times, name="at")
        return pd.DataFrame(self.values, index=index, columns=self.quantiles, dtype="float64")


@dataclass(frozen=True, slots=True)
class Abstain:
    """There is no forecast, and why. Falsy, so that ``if forecast:`` tells the two apart."""

    reason: Reason
    """Too little history, a gap, or a model that cannot be fitted."""

    def explain(self) -> str:
        """The reason in English."""
        return str(self.reason)

    def __bool__(self) -> Literal[False]:
        return False


def _answer(
    told: Reason | tuple[datetime, float, list[float], list[list[float]]],
) -> Forecast | Abstain:
    """What the compiled part answers, as a forecast or the reason for none."""
    if isinstance(told, Reason):
        return Abstain(told)
    issued_at, step, levels, rows = told
    return Forecast(issued_at, timedelta(seconds=step), levels, rows)


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """How good the forecasts of one kind and horizon have been.

    ``loss``, ``coverage`` and ``bias`` are weighted over about the last day, their twins with
    ``_ever`` all alike since the start.
    """

    of: Literal["forecast", "as_now", "yesterday", "level"]
    """Whose: the forecaster's, or those of a reference that needs no model."""

    ahead: timedelta
    """How long before its truth each was issued."""

    quantile: float
    """The policy's quantile, at which loss and coverage are measured."""

    n_judged: int
    """How many have met their truth."""

    loss: float
    """Mean pinball loss at the quantile, in the unit of the load."""

    coverage: float
    """Share of loads at or below the quantile."""

    bias: float
    """Mean of the median (of a reference, its one value) less the load, in its unit."""

    loss_ever: float
    coverage_ever: float
    bias_ever: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How good the forecasts of a metric have been, by horizon, beside what needs no model."""

    rows: list[AccuracyRow]
    """By horizon, and at each the forecaster before the references."""

    def __iter__(self) -> Iterator[AccuracyRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each horizon and kind (the index), a column for each number; needs pandas."""
        import pandas as pd

        columns = list(AccuracyRow.__dataclass_fields__)
        table = pd.DataFrame([asdict(row) for row in self.rows], columns=columns)
        return table.set_index(["ahead", "of"])
