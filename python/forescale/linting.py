"""What is wrong with settings that build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from . import _convert, _native

if TYPE_CHECKING:
    from .settings import Config

__all__ = ["Finding", "Fix", "lint"]


@dataclass(frozen=True)
class Fix:
    """The smallest change known to mend a finding."""

    path: str
    """The setting, such as ``policies[0].low``."""

    value: Any
    """Its new value."""

    message: str
    """What to do, in one sentence."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a configuration."""

    code: str
    """The stable name of the kind of finding, such as ``oscillation``."""

    severity: Literal["error", "warning", "note"]
    """How bad it is."""

    path: str
    """The setting that it speaks of."""

    message: str
    """One sentence with the numbers."""

    facts: dict[str, float]
    """The numbers, by names that carry the unit."""

    fix: Fix | None
    """The change that mends it, tried out before it is told; None if none is known."""

    def __str__(self) -> str:
        mended = f" {self.fix.message}" if self.fix else ""
        return f"{self.severity}[{self.code}] {self.path}: {self.message}{mended}"


def lint(
    config: Config | Mapping[str, Any] | str, *, now: datetime | float | None = None
) -> list[Finding]:
    """Find settings that must oscillate or can never work, each proven by running the loop.

    Parameters
    ----------
    config
        As of :class:`Autoscaler`.
    now
        From when on schedules count. Default: only what holds at any time is told.

    Raises
    ------
    ConfigError
        If the configuration does not build.

    Examples
    --------
    >>> marks = {"kind": "watermark", "metric": "cpu", "low": 0.5, "high": 0.7}
    >>> metrics = {"cpu": {"kind": "utilization"}}
    >>> [found] = lint({"max_replicas": 9, "metrics": metrics, "policies": [marks]})
    >>> found.code, found.fix.path, found.fix.value
    ('oscillation', 'policies[0].low', 0.42)
    """
    at = None if now is None else _convert.seconds(now, "now")
    findings = json.loads(_native.lint(_convert.config_text(config), at))
    for finding in findings:
        finding["fix"] = finding["fix"] and Fix(**finding["fix"])
    return [Finding(**finding) for finding in findings]
