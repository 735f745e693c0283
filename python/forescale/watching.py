"""What differs among siblings, which metrics no longer move together, and when a limit is reached."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from . import _convert, _native
from ._native import Reason
from ._saved import Configured
from .forecast import Abstain

if TYPE_CHECKING:
    from typing import Unpack

    from . import settings as kinds

__all__ = ["Break", "Limit", "Peer", "Peers", "Relation", "TimeToLimit"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Peer:
    """A member of a group that differs from the others."""

    name: str
    side: Literal["above", "below"]
    value: float
    """Its reading."""
    median: float
    """The median of the tick, in the same unit."""
    deviations: float
    """How far it is off the median now, in deviations of the group."""
    since: datetime
    """Since when it lies on that side, in UTC."""
    is_new: bool
    """Whether this is the first tick at which it is told."""


@dataclass(frozen=True, slots=True)
class Break:
    """Two metrics that no longer move together."""

    expected: float
    """What the first metric lets expect of the second."""
    value: float
    """The second metric's value."""
    deviations: float
    """How far it is off, in deviations of the usual error."""
    is_above: bool
    """Whether it lies above what is expected."""
    moved: Literal["first", "second", "both"]
    """Which of the two left its usual level further."""
    since: datetime
    """Since when it is off, in UTC."""
    is_new: bool
    """Whether this is the first pair at which it is told."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When a quantity reaches its limit, as of the last value."""

    reached: bool
    """The last values are at the limit or beyond it."""
    likely: datetime | None = None
    """Where the trend itself reaches the limit; None without a trend that does."""
    earliest: datetime | None = None
    """Before it in one of twenty cases, where there is a trend."""
    latest: datetime | None = None
    """After it in one of twenty cases, where there is a trend."""
    not_before: datetime | None = None
    """Without such a trend: not reached before in nineteen of twenty cases."""


class Peers(Configured):
    """Finds the replicas that differ from their siblings, or the workloads that differ from a fleet.

    Common ups and downs cancel out, as each tick is held against its own median. One wild tick is no
    difference; three deviations are found within five ticks.

    Parameters
    ----------
    **settings
        ``least_members``, ``least_ticks``, ``false_alarms_per_day``, ``forget_after``; see
        :class:`forescale.settings.Peers`.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range; ``path`` says which.

    Examples
    --------
    >>> peers = Peers()
    >>> for minute in range(60):
    ...     cpu = {f"web-{k}": 0.5 + (minute * 31 + k * 17) % 19 / 100 for k in range(5)}
    ...     if minute >= 50:
    ...         cpu["web-2"] += 0.6
    ...     odd = peers.see(60 * minute, cpu)
    >>> [(peer.name, peer.side) for peer in odd]
    [('web-2', 'above')]
    >>> Peers().settings["least_members"]
    4
    """

    __slots__ = ()
    _restore = staticmethod(_native.Peers.restore)
    _core: _native.Peers

    def __init__(self, **settings: Unpack[kinds.Peers]) -> None:
        self._core = _native.Peers(_convert.config_text(settings, "settings"))

    def see(
        self, at: datetime | float, readings: Mapping[str, float | None]
    ) -> list[Peer] | Abstain:
        """Take the readings of a tick, and tell who differs.

        Parameters
        ----------
        at
            An aware datetime or seconds since 1970; one that is not after the last changes nothing.
        readings
            By the member's name; None and numbers that are not finite count as no reading.

        Returns
        -------
        list of Peer, or Abstain
            In the order of the readings. ``Abstain`` is falsy, as an empty list is, and says why
            nothing can be told: too few members, or too few ticks.
        """
        if not isinstance(readings, Mapping):
            came = type(readings).__name__
            raise TypeError(f"`readings` is of type {came}, must be a mapping of names to numbers")
        names, values = list(readings), list(readings.values())
        found = self._core.see(_convert.seconds(at), names, values)
        if isinstance(found, Reason):
            return Abstain(found)
        return [_dated(Peer, each) for each in json.loads(found)]


class Relation(Configured):
    """Watches whether two metrics of a workload go on moving together.

    Parameters
    ----------
    **settings
        ``memory``, ``chance``, ``accept_after``; see :class:`forescale.settings.Relation`.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range; ``path`` says which.

    Examples
    --------
    >>> relation = Relation()
    >>> for minute in range(620):
    ...     load = 500 + 3 * (minute * 7919 % 101)
    ...     cpu = load / 1000 + (minute * 31 % 17) / 1000 if minute < 600 else 0.2
    ...     broken = relation.observe(60 * minute, load, cpu)
    >>> broken.moved, broken.is_above
    ('second', False)
    >>> Relation().settings["memory"]
    2000
    """

    __slots__ = ()
    _restore = staticmethod(_native.Relation.restore)
    _core: _native.Relation

    def __init__(self, **settings: Unpack[kinds.Relation]) -> None:
        self._core = _native.Relation(_convert.config_text(settings, "settings"))

    def observe(
        self, at: datetime | float, first: float | None, second: float | None
    ) -> Break | Abstain | None:
        """Take a pair of values, and tell whether they are off their relation.

        Parameters
        ----------
        at
            An aware datetime or seconds since 1970.
        first, second
            The load, say, and the CPU. A pair with a value that is missing or not finite, or not
            after the last one, is passed over.

        Returns
        -------
        Break, Abstain or None
            None while they move together; ``Abstain``, which is falsy too, before 60 pairs and where
            the first explains too little of the second.
        """
        first, second = (float("nan") if each is None else each for each in (first, second))
        found = self._core.observe(_convert.seconds(at), first, second)
        if isinstance(found, Reason):
            return Abstain(found)
        told = json.loads(found)
        return None if told is None else _dated(Break, told)


class TimeToLimit(Configured):
    """Tells when a quantity reaches its limit: a leak, a disk, a quota, a pool of connections.

    The line is drawn since the last change only: what fills up, is cleaned and fills up again is
    known by its last rise. Quiet where there is no trend.

    Parameters
    ----------
    **settings
        ``limit``, which must be given, ``side`` and ``reach``; see
        :class:`forescale.settings.TimeToLimit`.

    Raises
    ------
    ConfigError
        If a setting is unknown, missing or out of range; ``path`` says which.

    Examples
    --------
    >>> memory = TimeToLimit(limit=900)
    >>> minutes = range(200)
    >>> memory.observe([60 * m for m in minutes], [300 + 2 * m + m * 37 % 21 - 10 for m in minutes])
    >>> answer = memory.answer()
    >>> 290 < answer.likely.timestamp() / 60 < 310  # the 900 MiB are reached after 300 minutes
    True
    >>> answer.earliest < answer.likely < answer.latest
    True
    >>> TimeToLimit(limit=900).settings["side"]
    'above'
    """

    __slots__ = ()
    _restore = staticmethod(_native.TimeToLimit.restore)
    _core: _native.TimeToLimit

    def __init__(self, **settings: Unpack[kinds.TimeToLimit]) -> None:
        self._core = _native.TimeToLimit(_convert.config_text(settings, "settings"))

    def observe(
        self,
        times: datetime | float | Iterable[datetime | float],
        values: float | None | Iterable[float | None],
    ) -> None:
        """Take values, or one.

        Parameters
        ----------
        times
            As for :meth:`Autoscaler.warm_up`, or one point in time.
        values
            One for each time, in the limit's unit. What is missing, not finite, or not after the last
            one is passed over.

        Raises
        ------
        ObservationError
            If the two differ in length; nothing is learnt then.
        """
        if isinstance(times, (datetime, int, float)):
            times, values = [times], [values]  # type: ignore[list-item]
        self._core.observe(_convert.times(times), _convert.values(values))

    def answer(self) -> Limit | Abstain:
        """When the limit is reached; ``Abstain``, which is falsy, with fewer than 30 values."""
        found = self._core.answer()
        if isinstance(found, Reason):
            return Abstain(found)
        told = json.loads(found)
        if told == "reached":
            return Limit(reached=True)
        whens = told.get("range", told)
        return Limit(reached=False, **{name: _date(millis) for name, millis in whens.items()})

    def per_day(self) -> tuple[float, float, float] | None:
        """The trend in the limit's unit a day between the bounds of its 90 % range, where there is one."""
        return self._core.per_day()

    def reset(self) -> None:
        """Forget all values, as after a restart that the host knows of."""
        self._core.reset()


def _date(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000.0, timezone.utc)


def _dated(of: type[T], told: dict[str, Any]) -> T:
    return of(**{**told, "since": _date(told["since"])})
