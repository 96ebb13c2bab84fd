"""`RecentPosts`: the rows of the posts behind the last span, kept from question to question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.search.columns import WORDS, PostColumns
from multimodal.memory.search.gathered import Gathered
from multimodal.memory.search.time_order import Timed
from multimodal.memory.search.word_span import WordSpan

_KEPT = 2
_NOT_INVERTED = 512


class RecentPosts:
    """Keeps what was gathered last, and reads what has been appended since."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._kept: list[_Rows] = []

    def of(self, columns: PostColumns, posts: Timed, spaces: Sequence[str]) -> Gathered:
        """Return the rows of posts.

        Args:
            columns: hold them.
            posts: n posts.
            spaces: which spaces to read.
        """
        if not len(posts):
            return Gathered.of(columns, posts, spaces)
        with self._lock:
            rows = self._rows_for(columns, posts, tuple(spaces))
            return rows.first(posts)

    def _rows_for(self, columns: PostColumns, posts: Timed, spaces: tuple[str, ...]) -> _Rows:
        for index, rows in enumerate(self._kept):
            shared = rows.shared(posts) if rows.spaces == spaces else 0
            if shared and shared < min(len(rows), len(posts)):
                # A post came in between; those who read the rows must not see them change.
                rows = self._kept[index] = rows.copy(shared)
            if shared:
                rows.grow(columns, posts)
                return rows
        fresh = _Rows(spaces)
        fresh.grow(columns, posts)
        self._kept = [fresh, *self._kept[: _KEPT - 1]]
        return fresh

    def fork(self) -> RecentPosts:
        """Return the same rows for a fork of the columns; nothing is copied."""
        fork = RecentPosts()
        with self._lock:
            fork._kept = [rows.fork() for rows in self._kept]
        return fork


class _Rows:
    """Rows of some posts in some spaces, which grow at the end."""

    def __init__(self, spaces: tuple[str, ...]) -> None:
        self.spaces = spaces
        self._positions = GrowingArray(np.int64)
        self._columns: dict[str, GrowingArray] = {}
        self._slots = 0
        self._words: WordSpan | None = None
        self._inverted = 0
        self._last: Gathered | None = None

    def __len__(self) -> int:
        return len(self._positions)

    def shared(self, posts: Timed) -> int:
        """Return how many of the first posts are the same."""
        both = min(len(self), len(posts))
        different = np.flatnonzero(self._positions.values[:both] != posts.positions[:both])
        return int(different[0]) if len(different) else both

    def grow(self, columns: PostColumns, posts: Timed) -> None:
        """Read the posts that are missing at the end."""
        new = posts.positions[len(self) :]
        if not len(new):
            return
        rows = Gathered.of(columns, Timed(new, posts.instants_us[len(self) :]), self.spaces)
        self._positions.extend(new)
        for space, vectors in rows.vectors.items():
            self._column(space, np.float32, vectors.shape[1]).extend(vectors)
        if rows.terms is not None:
            self._slots = rows.terms.shape[1]
            ends = self._column("ends", np.int64)
            ends.extend(rows.terms.indptr[1:] + (ends.values[-1] if len(ends) else 0))
            self._column("slots", np.int32).extend(rows.terms.indices)
            self._column("weights", np.float32).extend(rows.terms.data)
            self._invert()

    def _invert(self) -> None:
        if len(self) - self._inverted > _NOT_INVERTED:
            self._words, self._inverted = WordSpan.of(self._terms(len(self)), len(self)), len(self)

    def _column(self, name: str, dtype: type, width: int = 0) -> GrowingArray:
        if name not in self._columns:
            self._columns[name] = GrowingArray(dtype, width)
        return self._columns[name]

    def first(self, posts: Timed) -> Gathered:
        """Return the rows of the first posts."""
        if self._last is None or len(self._last.posts) != len(posts):
            count = max(len(posts), self._inverted)
            vectors = {space: self._columns[space].values[:count] for space in self.spaces if space != WORDS}
            terms = self._terms(count) if WORDS in self.spaces else None
            self._last = Gathered(posts, terms, vectors, self._words, self._inverted)
        return self._last

    def _terms(self, count: int) -> sparse.csr_matrix:
        starts = np.concatenate([[0], self._columns["ends"].values[:count]])
        entries = slice(0, int(starts[-1]))
        parts = self._columns["weights"].values[entries], self._columns["slots"].values[entries], starts
        return sparse.csr_matrix(parts, shape=(count, self._slots))

    def fork(self) -> _Rows:
        fork = _Rows(self.spaces)
        fork._positions, fork._slots = self._positions.fork(), self._slots
        fork._words, fork._inverted, fork._last = self._words, self._inverted, self._last
        fork._columns = {name: column.fork() for name, column in self._columns.items()}
        return fork

    def copy(self, count: int) -> _Rows:
        """Return a copy of the first rows."""
        copy = _Rows(self.spaces)
        copy._positions.extend(self._positions.values[:count])
        copy._slots = self._slots
        copy._words, copy._inverted = self._words, min(self._inverted, count)
        for name, column in self._columns.items():
            entries = int(self._columns["ends"].values[count - 1]) if name in ("slots", "weights") else count
            copy._column(name, column.values.dtype.type, column.values.shape[1] if column.values.ndim == 2 else 0)
            copy._columns[name].extend(column.values[:entries])
        return copy
