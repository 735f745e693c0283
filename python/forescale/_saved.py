"""Settings and state of an object as a value: to keep, to copy and to pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from . import _convert

__all__ = ["Configured", "Saved"]


class Saved:
    """What has a compiled part that writes and reads snapshots."""

    __slots__ = ("_core",)

    _restore: ClassVar[staticmethod[[bytes], Any]]
    """Makes the compiled part from a snapshot."""

    _core: Any

    def snapshot(self) -> bytes:
        """Settings and state, as JSON in UTF-8; restoring it changes no later answer."""
        snapshot: bytes = self._core.snapshot()
        return snapshot

    def to_dict(self) -> dict[str, Any]:
        """The snapshot as plain values that JSON can carry."""
        state: dict[str, Any] = json.loads(self.snapshot())
        return state

    @classmethod
    def restore(cls, snapshot: bytes | Mapping[str, Any]) -> Self:
        """From what :meth:`snapshot` or :meth:`to_dict` gave.

        Raises
        ------
        SnapshotError
            If it is cut, foreign, or of another version.
        """
        return cls._of(cls._restore(_convert.snapshot_bytes(snapshot)))

    @classmethod
    def _of(cls, core: Any) -> Self:
        made = cls.__new__(cls)
        made._core = core
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).restore, (self.snapshot(),)


class Configured(Saved):
    """The same with settings of one member."""

    __slots__ = ()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings in force, defaults too."""
        settings: dict[str, Any] = json.loads(self._core.settings())
        return settings
