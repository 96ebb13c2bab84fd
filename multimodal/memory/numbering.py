"""`Numbering`: names ⇄ consecutive numbers. It only grows."""

from __future__ import annotations

from collections.abc import Sequence


class Numbering:
    """Numbers names from 0 in the order in which they are added.

    Args:
        names: the first names, without repeats.
    """

    __slots__ = ("_index", "_names", "_parent", "_shared")

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names: list[str] = list(names)
        self._index: dict[str, int] = {name: index for index, name in enumerate(self._names)}
        if len(self._index) != len(self._names):
            raise ValueError("a name is given twice")
        self._parent: Numbering | None = None
        self._shared = 0

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
        return self._names if self._parent is None else [*self._parent.names[: self._shared], *self._names]

    def find(self, name: str) -> int | None:
        """Return the number of `name`, or None when it was never added."""
        index = self._index.get(name)
        if index is None and self._parent is not None:
            index = self._parent.find(name)
            # What the parent has added since has another meaning here.
            return index if index is not None and index < self._shared else None
        return index

    def add(self, name: str) -> int:
        """Return the number of `name`, the next free one if it is new."""
        index = self.find(name)
        if index is None:
            index = len(self)
            self._names.append(name)
            self._index[name] = index
        return index

    def truncate(self, length: int) -> None:
        """Drop the names from `length` on, which were added since the last fork."""
        kept = length - self._shared
        for name in self._names[kept:]:
            self._index.pop(name, None)
        del self._names[kept:]

    def fork(self) -> Numbering:
        """Return a numbering of the same names without copying them; either may grow, unseen by the other."""
        fork = Numbering()
        fork._parent, fork._shared = self, len(self)
        return fork
