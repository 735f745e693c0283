"""Times and series of the host's many kinds to seconds and floats, which is what crosses to Rust.

No package is imported: arrays and tables are known by their methods.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from .errors import ConfigError, ObservationError

__all__ = [
    "config_text",
    "horizon",
    "matrix",
    "pairs",
    "seconds",
    "settings_text",
    "snapshot_bytes",
    "span",
    "times",
    "values",
]


def seconds(at: datetime | float, path: str = "at") -> float:
    """Seconds since the epoch of an aware ``datetime`` or of a number, which is in seconds."""
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ObservationError(
                f"`{path}` is a datetime without a time zone, must have one, "
                "as in datetime.now(timezone.utc)",
                path,
            )
        return at.timestamp()
    try:
        return float(at) if not isinstance(at, str) else _no_time(at, path)
    except OverflowError:
        return float("inf")  # the core words the refusal
    except TypeError:
        return _no_time(at, path)


def _no_time(at: object, path: str) -> float:
    wanted = "an aware datetime or seconds since 1970"
    raise TypeError(f"`{path}` is of type {type(at).__name__}, must be {wanted}")


def span(value: str | float | timedelta) -> str | float:
    """A span of time as text or as seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def horizon(value: int | str | timedelta) -> int | str | tuple[float]:
    """How far ahead as a number of steps, a text, or seconds in a tuple."""
    if isinstance(value, timedelta):
        return (value.total_seconds(),)
    if isinstance(value, str):
        return value
    try:
        return operator.index(value)
    except TypeError:
        wanted = 'a whole number of steps, a text such as "30m" or a timedelta'
        came = type(value).__name__
        raise TypeError(f"`horizon` is of type {came}, must be {wanted}") from None


def times(series: Any) -> Any:
    """A series of times as seconds: a list, or an array of ``float64``.

    NumPy's ``datetime64`` has no time zone and counts as UTC, as NumPy itself has it.
    """
    array = _array(series)
    if array is None:
        return [seconds(at, f"times[{index}]") for index, at in enumerate(_iterable(series, "times"))]
    if array.dtype.kind == "O" and hasattr(series, "to_numpy"):
        # pandas keeps aware times as objects, and turns them into UTC when asked for datetime64.
        array = series.to_numpy(dtype="datetime64[ms]")
    if array.dtype.kind == "M":
        if (array != array).any():  # only "not a time" differs from itself
            raise ObservationError("`times` has a NaT, must be times throughout", "times")
        return array.astype("datetime64[ms]").astype("float64") / 1000.0
    if array.dtype.kind in "iuf":
        return array.astype("float64", copy=False)
    return times(array.tolist())


def values(series: Any) -> Any:
    """A series of numbers as floats, with ``None`` or NaN for a missing one."""
    array = _array(series)
    if array is None:
        return series
    if array.dtype.kind == "O" and hasattr(series, "to_numpy"):
        # The nullable columns of pandas.
        array = series.to_numpy(dtype="float64", na_value=float("nan"))
    if array.dtype.kind in "iufb":
        return array.astype("float64", copy=False)
    return array.tolist()


def pairs(when: Any, series: Any) -> tuple[Any, Any]:
    """Times as seconds and a number for each; or one time and its number."""
    if isinstance(when, datetime) or not isinstance(when, Iterable):
        when, series = [when], [series]
    return times(when), values(series)


def matrix(rows: Any) -> tuple[Any, bool]:
    """Rows of numbers as floats, and whether they came as an array or a table."""
    array = _array(rows)
    if array is not None:
        return values(rows), True
    if isinstance(rows, memoryview):
        return (rows if rows.format == "d" else rows.tolist()), False
    return [values(row) for row in _iterable(rows, "values")], False


def _array(series: Any) -> Any:
    """The series as a NumPy array if it is one or a table's column, else None."""
    if hasattr(series, "to_numpy"):
        return series.to_numpy()
    if hasattr(series, "dtype") and hasattr(series, "astype"):
        return series
    return None


def _iterable(series: Any, path: str) -> Iterable[Any]:
    if isinstance(series, (str, bytes, Mapping)) or not isinstance(series, Iterable):
        raise TypeError(f"`{path}` is of type {type(series).__name__}, must be a series")
    return series


def config_text(config: object, path: str = "config") -> str:
    """Settings as text: a mapping becomes JSON, a text is taken as JSON or YAML."""
    if isinstance(config, str):
        return config
    if not isinstance(config, Mapping):
        wanted = "a mapping or a text"
        raise TypeError(f"`{path}` is of type {type(config).__name__}, must be {wanted}")
    try:
        return json.dumps(config, default=_plain, allow_nan=False)
    except ConfigError:
        raise
    except ValueError as error:  # a number that is not finite, or a mapping within itself
        raise ConfigError(f"the settings are not JSON: {error}") from None


def settings_text(settings: object) -> str | None:
    """The settings of one member as text, None for the default ones."""
    return None if settings is None else config_text(settings, "settings")


def snapshot_bytes(snapshot: object) -> bytes:
    """A snapshot as the core reads it."""
    if isinstance(snapshot, Mapping):
        return json.dumps(snapshot).encode()
    if not isinstance(snapshot, (bytes, bytearray, memoryview)):
        # bytes(5) would be five zeros.
        wanted = "bytes or a mapping"
        raise TypeError(f"`snapshot` is of type {type(snapshot).__name__}, must be {wanted}")
    return bytes(snapshot)


def _plain(value: Any) -> Any:
    """What JSON does not know: spans as seconds, NumPy's numbers, other mappings."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):
        return value.item()
    raise ConfigError(f"a setting is of type {type(value).__name__}, must be plain: {value!r}")
