"""What a call at the border was refused for: a class a kind, all of them a ``ValueError``.

The compiled core raises these; ``decide`` raises them only for arguments that are no observation,
never for bad data.
"""

from __future__ import annotations

__all__ = ["ConfigError", "ForescaleError", "ObservationError", "SnapshotError", "TraceError"]


class ForescaleError(ValueError):
    """The base of all errors of the library.

    The text says where, what came and what is allowed; ``path`` says where alone, such as
    ``policies[0].quantile``, and is empty for the whole.
    """

    path: str

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ConfigError(ForescaleError):
    """Settings: unknown, of the wrong type, out of range, or in conflict."""


class ObservationError(ForescaleError):
    """History or an argument that is no observation."""


class SnapshotError(ForescaleError):
    """A snapshot that is cut, foreign, or of another version."""


class TraceError(ForescaleError):
    """A trace that cannot be replayed."""
