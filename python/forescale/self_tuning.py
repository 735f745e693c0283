"""An autoscaler that tunes itself on the load it sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _convert, _native
from .autoscaler import Autoscaler

if TYPE_CHECKING:
    from .settings import Config

__all__ = ["Retuned", "SelfTuning"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Retuned(NamedTuple):
    """What one call of :meth:`SelfTuning.retune` came to."""

    at: datetime
    """The time of the last observation."""
    changes: dict[str, tuple[Any, Any]]
    """What was changed, or would be by what is tried: place, value before and after."""
    reason: dict[str, Any]
    """Why: a code and its facts."""
    is_change: bool
    """Whether other settings are in force since."""
    explanation: str
    """One English sentence."""


class SelfTuning(Autoscaler):
    """An :class:`Autoscaler` that records its load and finds itself better settings on it.

    :meth:`retune` is called when the host likes, nightly for example. What a search finds is adopted
    only where it proves better in shadow, on load that has come since; then the settings before are
    replayed beside it, and come back where they would have done better. All else is as of an
    :class:`Autoscaler`.

    Parameters
    ----------
    config
        The settings to begin with. There may be one load, one utilization and a latency under the
        plant's name, as a replay can show no other metric.
    settings
        How it tunes itself, a mapping or text; each has a default: ``search`` (as the options of
        :func:`tune`), ``plant`` (as of :func:`replay`; start-up, interval, load per replica and
        metrics are what is known), ``step``, ``record``, ``least``, ``shadow``,
        ``shadow_longest``, ``probation``, ``pause`` (times), ``confidence``.

    Raises
    ------
    ConfigError
        If a setting is unknown, out of range or in conflict, a replay cannot show a metric, or
        nothing tells what a replica carries.

    Examples
    --------
    >>> scaler = SelfTuning({
    ...     "max_replicas": 60,
    ...     "metrics": {"cpu": {"kind": "utilization"}},
    ...     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}],
    ... })
    >>> scaler.decide(at=1_767_603_600, ready=6, metrics={"cpu": 0.9}).replicas
    9
    >>> scaler.retune().reason["code"]
    'too_little_seen'
    """

    __slots__ = ()
    _restore = staticmethod(_native.Autoscaler.restore_self_tuning)

    def __init__(
        self,
        config: Config | Mapping[str, Any] | str,
        settings: Mapping[str, Any] | str | None = None,
    ) -> None:
        tuning = "{}" if settings is None else _convert.config_text(settings, "settings")
        self._core = _native.Autoscaler.self_tuning(_convert.config_text(config), tuning)

    def retune(self, *, go_on: Callable[[float], object] | None = None) -> Retuned:
        """Go one step on: search, or compare what was found or given up last with what is in force.

        Other threads may decide meanwhile; Ctrl-C ends it, and nothing is changed or lost then.

        Parameters
        ----------
        go_on
            Hears now and then which share is done; where it answers False the step ends.

        Raises
        ------
        ConfigError
            If nothing of the space can be built.
        """
        return _retuned(self._core.retune(go_on))

    @property
    def events(self) -> list[Retuned]:
        """What the last calls of :meth:`retune` came to, the oldest first; 64 at most."""
        return [_retuned(event) for event in self._core.events()]


def _retuned(event: tuple[str, bool, str]) -> Retuned:
    text, is_change, explanation = event
    told = json.loads(text)
    at = _EPOCH + timedelta(milliseconds=told["at"])
    changes = {change["path"]: (change["from"], change["to"]) for change in told["changes"]}
    return Retuned(at, changes, told["reason"], is_change, explanation)
