"""What is expected of a load, or why nothing is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from ._native import Reason

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Abstain", "Forecast"]


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
