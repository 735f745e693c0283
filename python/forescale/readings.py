"""The forms that a metric's reading may have, for type checkers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias, TypedDict

__all__ = ["Average", "Reading", "Replica", "Total"]


class Total(TypedDict):
    """The load of the whole workload, whatever the metric's kind."""

    total: float | None


class Average(TypedDict):
    """The mean over the ready replicas, whatever the metric's kind."""

    average: float | None


class Replica(TypedDict, total=False):
    """One replica's reading, where a number alone does not tell enough."""

    value: float | None
    """The usage; None if the replica reported nothing."""

    request: float | None
    """What it asked for of the same resource (Kubernetes: ``resources.requests``)."""

    phase: Literal["ready", "unready", "ignored", "unlisted"]
    """How it counts: ready, starting, ending, or known to the metric source only."""


Reading: TypeAlias = "float | None | Total | Average | Iterable[float | None | Replica]"
"""A number means what the metric's kind says; a list has one reading a replica."""
