"""Vertical sizing: what a container should request of CPU and memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from . import _convert, _native
from ._native import Reason, Recommendation
from ._saved import Configured

if TYPE_CHECKING:
    from .settings import Sizing

__all__ = ["Refused", "Sizer"]


class Refused(NamedTuple):
    """What was refused of a sample, and why; falsy if nothing was."""

    cpu: Reason | None
    """Why the reading of the CPU does not count; None if it does, or there was none."""

    memory: Reason | None
    """Why the reading of the memory does not count; None if it does, or there was none."""

    def __bool__(self) -> bool:
        return self.cpu is not None or self.memory is not None


class Sizer(Configured):
    """Sizes the containers of one name in one workload, as the Kubernetes VPA 1.4.

    CPU is in millicores and memory in bytes, everywhere. It reads no clock: time comes in with the
    sample. Any thread may use it.

    Parameters
    ----------
    config
        A mapping, or JSON or YAML text; None for the defaults, which are those of the VPA. The keys
        are the same in every language; their types are :class:`forescale.settings.Sizing`.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range; ``path`` says which.

    Examples
    --------
    A day of samples, one a minute, each at 100 millicores, and a memory that peaks at 300 MB:

    >>> sizer = Sizer()
    >>> times = [60 * minute for minute in range(1441)]
    >>> memory = [300e6 if minute == 720 else 200e6 for minute in range(1441)]
    >>> sizer.observe_many(times, cpu=[100.0] * 1441, memory=memory)
    []
    >>> size = sizer.recommend(86_400)
    >>> size.cpu.bounds
    Bounds(lower=125, target=126, upper=252)
    >>> size.memory.bounds.target
    351198544
    >>> Sizer({"margin": 0.2}).settings["margin"]
    0.2
    """

    __slots__ = ()
    _restore = staticmethod(_native.Sizer.restore)
    _core: _native.Sizer

    def __init__(self, config: Sizing | Mapping[str, Any] | str | None = None) -> None:
        self._core = _native.Sizer(_text(config))

    def observe(
        self,
        *,
        at: datetime | float,
        cpu: float | None = None,
        memory: float | None = None,
        cpu_request: float | None = None,
        container: str = "",
    ) -> Refused:
        """Take in what a container used; each reading counts or is refused for itself.

        Parameters
        ----------
        at
            When: an aware datetime, or seconds since 1970.
        cpu
            CPU in millicores, from 0 up.
        memory
            Memory in bytes, from 0 up: the working set.
        cpu_request
            What the container requests of the CPU, in millicores; matters to the setting
            ``cpu_sample_weight: request`` only.
        container
            Which of the workload's running containers, such as its pod; may stay empty if there is
            one only.

        Raises
        ------
        TypeError
            If an argument is of the wrong type.
        ObservationError
            If ``at`` is no time.
        """
        answer = self._core.observe(_convert.seconds(at), container, cpu, memory, cpu_request)
        return Refused(*answer)

    def observe_many(
        self,
        times: Iterable[datetime | float],
        *,
        cpu: Iterable[float | None] | None = None,
        memory: Iterable[float | None] | None = None,
        cpu_request: Iterable[float | None] | None = None,
        container: str = "",
    ) -> list[tuple[int, Refused]]:
        """Take in many samples of one container, the oldest first.

        Parameters
        ----------
        times
            As for :meth:`Autoscaler.warm_up`: lists, NumPy arrays, columns of pandas or polars.
        cpu, memory, cpu_request
            Readings in millicores, bytes and millicores, one for each time; None or NaN if missing.
        container
            As for :meth:`observe`.

        Returns
        -------
        list of (int, Refused)
            The places of the samples of which something was refused, and why.

        Raises
        ------
        ObservationError
            If a series differs in length from the times, or a time is none; then nothing is taken
            in.
        """
        readings = [
            None if series is None else _convert.values(series)
            for series in (cpu, memory, cpu_request)
        ]
        refused = self._core.observe_many(container, _convert.times(times), *readings)
        return [(index, Refused(*answer)) for index, answer in refused]

    def out_of_memory(
        self, *, at: datetime | float, requested: float, container: str = ""
    ) -> Reason | None:
        """Take in that a container ran out of memory with so many bytes requested.

        It counts as a peak above what was requested and used; the answer is the reason why it does
        not count, or None.
        """
        return self._core.out_of_memory(_convert.seconds(at), container, requested)

    def forget(self, container: str) -> None:
        """Forget which readings of a container came last, once it runs no more.

        What it used stays.
        """
        self._core.forget(container)

    def recommend(self, at: datetime | float | None = None) -> Recommendation:
        """What to request, in millicores and bytes, with bounds and reasons; changes nothing.

        Parameters
        ----------
        at
            The time it is for; samples that are too old by then do not count. Without it, the time
            of the latest sample.
        """
        return self._core.recommend(None if at is None else _convert.seconds(at))

    def startup_cpu(
        self, recommendation: Recommendation, ready_for: str | float | timedelta | None = None
    ) -> int | None:
        """The CPU to request while the container starts, in millicores.

        Parameters
        ----------
        recommendation
            What :meth:`recommend` answered.
        ready_for
            How long the container has been ready: a text, seconds or a timedelta; None while it is
            not ready.
        """
        span = None if ready_for is None else _convert.span(ready_for)
        return self._core.startup_cpu(recommendation, span)

    def checkpoint(self, at: datetime | float) -> dict[str, Any]:
        """What the VPA would store at that time.

        It is the ``status`` of a ``VerticalPodAutoscalerCheckpoint``, version ``v3``. It is short:
        weights are rounded, and the memory of intervals still open is left out; :meth:`snapshot`
        loses nothing.
        """
        status: dict[str, Any] = json.loads(self._core.checkpoint(_convert.seconds(at)))
        return status

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint: Mapping[str, Any],
        config: Sizing | Mapping[str, Any] | str | None = None,
    ) -> Self:
        """A sizer that goes on from the ``status`` of a VPA's checkpoint.

        Raises
        ------
        SnapshotError
            If the checkpoint is of another version or damaged.
        """
        if not isinstance(checkpoint, Mapping):
            came = type(checkpoint).__name__
            raise TypeError(f"`checkpoint` is of type {came}, must be a mapping")
        status = json.dumps(dict(checkpoint))
        return cls._of(_native.Sizer.from_checkpoint(_text(config), status))

    def __repr__(self) -> str:
        size = self.recommend()
        return f"<forescale.Sizer cpu {size.cpu.bounds}, memory {size.memory.bounds}>"


def _text(config: object) -> str:
    return "{}" if config is None else _convert.config_text(config)
