"""`NumberLists`: a list of numbers for each post, as those of its hashtags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.column import bounds_of, entries_of
from multimodal.memory.posts.growing_array import GrowingArray

Ints = NDArray[np.int64]


class NumberLists:
    """Lists of numbers by position."""

    __slots__ = ("_ends", "_numbers")

    def __init__(self) -> None:
        self._numbers = GrowingArray(np.int64)
        self._ends = GrowingArray(np.int64)

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def numbers(self) -> Ints:
        """All lists, one behind the other."""
        return self._numbers.values

    @property
    def ends(self) -> Ints:
        """(N,) where each list ends in `numbers`."""
        return self._ends.values

    def extend(self, lists: Sequence[Sequence[int]]) -> None:
        """Append lists."""
        flat = np.array([number for row in lists for number in row], np.int64)
        self.extend_flat(flat, np.cumsum([len(row) for row in lists], dtype=np.int64))

    def extend_flat(self, numbers: Ints, ends: Ints) -> None:
        """Append lists that are given one behind the other, and where each ends among them."""
        first = len(self._numbers)
        self._numbers.extend(numbers)
        self._ends.extend(ends + first)

    def truncate(self, length: int) -> None:
        """Drop the lists from `length` on, which were appended since the last fork."""
        self._numbers.truncate(int(self._ends.values[length - 1]) if length else 0)
        self._ends.truncate(length)

    def fork(self) -> NumberLists:
        """Return the same lists; appending to either leaves the other as it is."""
        fork = NumberLists.__new__(NumberLists)
        fork._numbers, fork._ends = self._numbers.fork(), self._ends.fork()
        return fork

    def release(self, fork: NumberLists) -> None:
        """End a fork, see `GrowingArray.release`."""
        self._numbers.release(fork._numbers)
        self._ends.release(fork._ends)

    def of(self, position: int) -> Ints:
        """Return one list, a view."""
        ends = self._ends.values
        return self._numbers.values[(ends[position - 1] if position else 0) : ends[position]]

    def table(self, positions: Ints) -> Ints:
        """Return many lists as one padded table, see `PostMemory.hashtags_table`."""
        if not len(self):
            return np.full((*positions.shape, 1), -1, np.int64)
        ends = self._ends.values
        stops = np.where(positions >= 0, ends[np.maximum(positions, 0)], 0)
        starts = np.where(positions > 0, ends[np.maximum(positions - 1, 0)], 0)
        longest = max(int((stops - starts).max(initial=0)), 1)
        entries = starts[..., None] + np.arange(longest)
        inside = entries < stops[..., None]
        if not len(self._numbers):
            return np.full(entries.shape, -1, np.int64)
        return np.where(inside, self._numbers.values[np.where(inside, entries, 0)], -1)

    def sizes(self, positions: Ints) -> Ints:
        """Return how long the lists of N positions are, (N,), each position at least 0."""
        starts, stops = bounds_of(self._ends.values, positions)
        return stops - starts

    def pairs(self, positions: Ints) -> tuple[Ints, Ints]:
        """Return the (index into `positions`, number) pairs of many lists, see `PostMemory.hashtag_pairs`."""
        known = (positions >= 0).nonzero()[0]
        counts, entries = entries_of(self._ends.values, positions[known])
        return known.repeat(counts), self._numbers.values[entries]
