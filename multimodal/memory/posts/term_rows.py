"""`TermRows`: a sparse row of caption terms for each post."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.posts.column import Column, entries_of
from multimodal.memory.posts.growing_array import GrowingArray

Ints = NDArray[np.int64]
_SLOTS, _WEIGHTS, _ENDS = "term_slots", "term_weights", "term_ends"


class TermRows:
    """Sparse float32 rows by position; what is read from a file stays there.

    Args:
        slots: length of a row.
        arrays: the first rows, as `arrays` returns them; None for none.
    """

    __slots__ = ("_ends", "_matrix", "_slots", "_weights", "slots")

    def __init__(self, slots: int, arrays: dict[str, NDArray[Any]] | None = None) -> None:
        given = arrays or {}
        self.slots = slots
        self._slots = Column(np.int32, base=given.get(_SLOTS))
        self._weights = Column(np.float32, base=given.get(_WEIGHTS))
        self._ends = GrowingArray(np.int64)
        self._ends.extend(given.get(_ENDS, np.empty(0, np.int64)))
        self._matrix = sparse.csr_matrix((0, slots))

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def matrix(self) -> sparse.csr_matrix:
        """All rows, (N, slots), made once for each number of rows; do not change it."""
        if self._matrix.shape[0] != len(self):
            starts = np.concatenate([[0], self._ends.values])
            parts = (self._weights.values, self._slots.values, starts)
            self._matrix = sparse.csr_matrix(parts, shape=(len(self), self.slots))
        return self._matrix

    def at(self, positions: Ints) -> sparse.csr_matrix:
        """Return a copy of the rows of N positions, (N, slots)."""
        counts, entries = entries_of(self._ends.values, positions)
        parts = (self._weights.at(entries), self._slots.at(entries), np.concatenate([[0], np.cumsum(counts)]))
        return sparse.csr_matrix(parts, shape=(len(positions), self.slots))

    def extend(self, rows: sparse.csr_matrix) -> None:
        """Append rows."""
        ends = rows.indptr[1:].astype(np.int64) + len(self._slots)
        self._slots.extend(rows.indices.astype(np.int32))
        self._weights.extend(rows.data.astype(np.float32))
        self._ends.extend(ends)

    def truncate(self, length: int) -> None:
        """Drop the rows from `length` on, which were appended since the last fork."""
        entries = int(self._ends.values[length - 1]) if length else 0
        for part in (self._slots, self._weights):
            part.truncate(entries)
        self._ends.truncate(length)

    def fork(self) -> TermRows:
        """Return the same rows; appending to either leaves the other as it is."""
        fork = TermRows.__new__(TermRows)
        fork.slots, fork._matrix = self.slots, self._matrix
        fork._slots, fork._weights, fork._ends = self._slots.fork(), self._weights.fork(), self._ends.fork()
        return fork

    def release(self, fork: TermRows) -> None:
        """End a fork, see `GrowingArray.release`."""
        self._slots.release(fork._slots)
        self._weights.release(fork._weights)
        self._ends.release(fork._ends)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the rows as arrays to be saved."""
        return {_SLOTS: self._slots.values, _WEIGHTS: self._weights.values, _ENDS: self._ends.values}
