"""`Shelf`: structures that follow a memory, made when they are first asked for, shared with forks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.questions.columns import QuestionColumns

Key = TypeVar("Key", bound=Hashable)
AnyDerived = TypeVar("AnyDerived", bound="Derived")


class Derived(Protocol):
    """An immutable structure that is derived from a memory."""

    @property
    def state(self) -> tuple[int, int]:
        """Which state of the memory it is derived from: how many posts there were, and how many of them were dead."""

    def followed(self: AnyDerived, columns: QuestionColumns) -> AnyDerived:
        """Return the structure of the memory as it is now; itself if nothing has changed."""


class Shelf(Generic[Key, AnyDerived]):
    """Structures of one memory by key.

    Args:
        columns: the memory.
        make: makes the structure of an empty memory.
        room: how many are kept: those that changed last.
    """

    def __init__(self, columns: QuestionColumns, make: Callable[[Key], AnyDerived], room: int) -> None:
        self._columns, self._make, self._room = columns, make, room
        self._kept: dict[Key, AnyDerived] = {}
        self._lock = ForkSafeLock()
        self._origin: tuple[Shelf[Key, AnyDerived], tuple[int, int]] | None = None

    def fork(self, columns: QuestionColumns) -> Shelf[Key, AnyDerived]:
        """Return a shelf for a fork of the memory; nothing is copied."""
        fork = Shelf.__new__(Shelf)
        fork._columns, fork._make, fork._room = columns, self._make, self._room
        # Its memory is asked first, and under the same lock.
        fork._kept, fork._lock = self._kept, self._lock
        fork._origin = self, columns.extent[:2]
        return fork

    def __getitem__(self, key: Key) -> AnyDerived:
        """Return a structure of the memory as it is now."""
        kept = self._kept.get(key)
        if kept is not None and kept.state == self._columns.extent[:2]:
            return kept
        with self._lock:
            kept = self._kept.get(key)
            known = self._inherited(key) or kept or self._make(key)
            followed = known.followed(self._columns)
            if followed is kept:
                return kept
            others = [item for item in self._kept.items() if item[0] != key]
            # A new dictionary: a fork may share the old one.
            self._kept = {**dict(others[1 - self._room :]), key: followed}
            return followed

    def _inherited(self, key: Key) -> AnyDerived | None:
        """Let the memory that this one was forked from do what all its forks need, unless it has changed since."""
        if self._origin is None:
            return None
        parent, state = self._origin
        structure = parent[key] if parent._columns.extent[:2] == state else None
        # It may have changed while the structure was made.
        return structure if structure is not None and structure.state == state else None
