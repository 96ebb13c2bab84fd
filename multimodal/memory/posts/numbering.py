"""`Numbering`: names ⇄ consecutive numbers. It only grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Numbering:
    """Numbers names from 0 in the order in which they are added.

    Args:
        names: the first names, without repeats.
    """

    __slots__ = ("_former", "_index", "_names", "_parent", "_shared")

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names: list[str] = list(names)
        self._index: dict[str, int] = {name: index for index, name in enumerate(self._names)}
        if len(self._index) != len(self._names):
            raise ValueError("a name is given twice")
        # Earlier numbers of the names that were given another one, ascending.
        self._former: dict[str, list[int]] = {}
        self._parent: Numbering | None = None
        self._shared = 0

    @classmethod
    def with_repeats(cls, names: Sequence[str]) -> Numbering:
        """Number names of which some come again: of posts that were corrected, of users that were forgotten."""
        if len(set(names)) == len(names):
            return cls(names)
        numbering = cls()
        for name in names:
            numbering.add_again(name)
        return numbering

    def __len__(self) -> int:
        return self._shared + len(self._names)

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    def __getitem__(self, index: int) -> str:
        if self._parent is not None and index < self._shared:
            return self._parent[index]
        return self._names[index - self._shared]

    @property
    def names(self) -> Sequence[str]:
        """All names in the order of their numbers; do not change it."""
        return self._names if self._parent is None else _AllNames(self)

    def find(self, name: str) -> int | None:
        """Return the number of `name`, the last if it has several, or None when it was never added."""
        return self._index.get(name) if self._parent is None else self._find_below(name, len(self))

    def _find_below(self, name: str, end: int) -> int | None:
        index = self._index.get(name)
        if index is not None and index >= end:
            # What a parent has added since a fork has another meaning there.
            index = max((former for former in self._former.get(name, ()) if former < end), default=None)
        if index is None and self._parent is not None:
            return self._parent._find_below(name, min(end, self._shared))
        return index

    def add(self, name: str) -> int:
        """Return the number of `name`, the next free one if it is new."""
        index = self.find(name)
        return self.add_again(name) if index is None else index

    def add_again(self, name: str) -> int:
        """Return the next free number and give it to `name`, in place of the one that it may have."""
        index = len(self)
        if name in self._index:
            self._former.setdefault(name, []).append(self._index[name])
        self._names.append(name)
        self._index[name] = index
        return index

    def truncate(self, length: int) -> None:
        """Drop the names from `length` on, which were added since the last fork."""
        kept = length - self._shared
        for name in reversed(self._names[kept:]):
            self._index.pop(name, None)
            if name in self._former:
                self._index[name] = self._former[name].pop()
                if not self._former[name]:
                    del self._former[name]
        del self._names[kept:]

    def fork(self) -> Numbering:
        """Return a numbering of the same names without copying them; either may grow, unseen by the other."""
        fork = Numbering()
        fork._parent, fork._shared = self, len(self)
        return fork


class _AllNames(Sequence[str]):
    """The names of a fork, which lie in several lists; nothing is copied."""

    __slots__ = ("_numbering",)

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering

    def __len__(self) -> int:
        return len(self._numbering)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._numbering[number] for number in range(*index.indices(len(self)))]
        return self._numbering[range(len(self))[index]]
