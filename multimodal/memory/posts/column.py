"""`Column`: rows by position, most of which may lie in a file; rows of several positions are gathered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.growing_array import GrowingArray

Ints = NDArray[np.int64]


class Column:
    """An immutable base, which may be memory-mapped, and a `GrowingArray` behind it; forks share both.

    Args:
        dtype: of the values.
        width: values per row; 0 for a one-dimensional column.
        base: the first rows, of this or a shorter type; they are not copied.
    """

    __slots__ = ("_base", "_tail")

    def __init__(self, dtype: Any, width: int = 0, base: NDArray[Any] | None = None) -> None:
        self._tail = GrowingArray(dtype, width)
        self._base = self._tail.values if base is None else base

    def __len__(self) -> int:
        return len(self._base) + len(self._tail)

    @property
    def values(self) -> NDArray[Any]:
        """All rows: a view while there is only a base or only a tail, otherwise a copy."""
        if not len(self._tail):
            return self._base
        return np.concatenate([self._base, self._tail.values]) if len(self._base) else self._tail.values

    def at(self, positions: Ints) -> NDArray[Any]:
        """Return a copy of the rows of N positions, each at least 0."""
        tail, first = self._tail.values, len(self._base)
        in_tail = positions >= first
        # `take` gathers the same rows two or three times as fast as an index.
        if in_tail.all():
            return np.asarray(tail.take(positions - first, 0))
        if not in_tail.any():
            return np.asarray(self._base.take(positions, 0), tail.dtype)
        rows = np.empty((len(positions), *tail.shape[1:]), tail.dtype)
        rows[in_tail], rows[~in_tail] = tail[positions[in_tail] - first], self._base[positions[~in_tail]]
        return rows

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows."""
        self._tail.extend(rows)

    def truncate(self, length: int) -> None:
        """Drop the rows from `length` on, which were appended since the last fork."""
        self._tail.truncate(length - len(self._base))

    def fork(self) -> Column:
        """Return a column with the same rows; appending to either leaves the other as it is."""
        fork = Column.__new__(Column)
        fork._base, fork._tail = self._base, self._tail.fork()
        return fork

    def release(self, fork: Column) -> None:
        """End a fork, see `GrowingArray.release`."""
        self._tail.release(fork._tail)


def entries_of(ends: Ints, positions: Ints) -> tuple[Ints, Ints]:
    """Return which entries of a flat list belong to the rows of N positions.

    Args:
        ends: by position, where its row ends in the flat list; each row starts where the one before it ends.
        positions: (N,) each at least 0.

    Returns:
        How many entries each row has, (N,), and the entries of all rows in a flat list.
    """
    starts, stops = bounds_of(ends, positions)
    counts = stops - starts
    first = counts.cumsum() - counts
    return counts, np.arange(counts.sum()) + (starts - first).repeat(counts)


def bounds_of(ends: Ints, positions: Ints) -> tuple[Ints, Ints]:
    """Return where the rows of N positions start and end in a flat list, (N,) each; see `entries_of`."""
    if not len(positions):
        return positions, positions
    starts = ends[positions - 1]
    starts[positions == 0] = 0
    return starts, ends[positions]
