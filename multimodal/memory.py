"""`PostMemory`: what was posted before t, by user and by recency. Append-only and time-ordered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import NOW_US, Post
from multimodal.catalogue import HashtagCatalogue

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class PostMemory:
    """Posts with their user, instant, hashtags and (optionally) a content vector.

    Every question is answered from posts *strictly earlier* than the instant asked about: a post never finds
    itself, nor another of the same instant. So one memory holding a whole stream serves each of its posts with
    just what was known then (`rolling`); a memory holding the train posts alone gives the `frozen` protocol.

    A position is the place of a post in the order of appending; positions never change.

    Args:
        catalogue: hashtag numbers; hashtags new to it are added as posts come in.
        width: length of a content vector, 0 for none.
    """

    def __init__(self, catalogue: HashtagCatalogue, width: int = 0) -> None:
        self.catalogue = catalogue
        self.width = width
        self._user_code: dict[str, int] = {}
        self._post_ids: list[str] = []
        self._positions: dict[str, int] = {}
        self._users = _Column(np.int64)
        self._instants = _Column(np.int64)
        self._hashtags = _Column(np.int64)
        self._hashtag_ends = _Column(np.int64)
        self._vectors = _Column(np.float32, width)
        # Positions sorted by (user, instant, position), the instants in that order, and where each user starts.
        self._by_user: Ints = np.empty(0, np.int64)
        self._by_user_instants: Ints = np.empty(0, np.int64)
        self._user_starts: Ints = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return len(self._post_ids)

    def __contains__(self, post_id: str) -> bool:
        return post_id in self._positions

    @property
    def post_ids(self) -> Sequence[str]:
        """Ids by position."""
        return self._post_ids

    @property
    def instants_us(self) -> Ints:
        """(N,) instants by position, microseconds since 1970."""
        return self._instants.values

    @property
    def users(self) -> Ints:
        """(N,) user numbers by position, -1 for a post without a user."""
        return self._users.values

    @property
    def user_ids(self) -> Sequence[str]:
        """User ids by user number."""
        return list(self._user_code)

    @property
    def vectors(self) -> Floats:
        """(N, width) content vectors by position; writable, to refresh them as a network learns."""
        return self._vectors.values

    @property
    def newest_us(self) -> int:
        """The latest instant remembered, 0 when nothing is."""
        return int(self.instants_us.max()) if len(self) else 0

    def position_of(self, post_id: str) -> int | None:
        """Return the position of a remembered post, or None."""
        return self._positions.get(post_id)

    def append(self, posts: Sequence[Post], vectors: Floats | None = None) -> None:
        """Remember `posts`; ids already remembered are refused.

        Args:
            posts: any order of time. A post without timestamp and sequence is taken as later than all others.
            vectors: (len(posts), width), required when `width` is not 0.

        Raises:
            ValueError: an id is already remembered, or the vectors have another shape.
        """
        if not posts:
            return
        if self.width:
            if vectors is None or vectors.shape != (len(posts), self.width):
                shape = None if vectors is None else vectors.shape
                raise ValueError(f"vectors of shape {shape}; expected ({len(posts)}, {self.width})")
            self._vectors.extend(np.asarray(vectors, np.float32))
        first = len(self)
        for offset, post in enumerate(posts):
            if post.post_id in self._positions:
                raise ValueError(f"post {post.post_id!r} is already remembered")
            self._positions[post.post_id] = first + offset
            self._post_ids.append(post.post_id)
        users = np.array([self._code_of(post.user_id) for post in posts], np.int64)
        instants = np.array([post.instant_us for post in posts], np.int64)
        # "Now" is the moment after everything remembered, so that the next question finds the post.
        instants[instants == NOW_US] = max(self.newest_us, 0) + 1
        indices = [self.catalogue.add(post.hashtags) for post in posts]
        ends = np.cumsum([len(row) for row in indices]) + len(self._hashtags)
        self._users.extend(users)
        self._instants.extend(instants)
        self._hashtags.extend(np.array([index for row in indices for index in row], np.int64))
        self._hashtag_ends.extend(ends.astype(np.int64))
        self._sort_in(users, instants, first)

    def _code_of(self, user_id: str | None) -> int:
        return -1 if user_id is None else self._user_code.setdefault(user_id, len(self._user_code))

    def _sort_in(self, users: Ints, instants: Ints, first: int) -> None:
        # One post is put in its place; many are merged by sorting everything anew.
        if len(users) == 1 and users[0] >= 0 and users[0] < len(self._user_starts) - 1:
            user = int(users[0])
            start, stop = self._user_starts[user], self._user_starts[user + 1]
            place = start + np.searchsorted(self._by_user_instants[start:stop], instants[0], side="right")
            self._by_user = np.insert(self._by_user, place, first)
            self._by_user_instants = np.insert(self._by_user_instants, place, instants[0])
            self._user_starts[user + 1 :] += 1
            return
        known = np.flatnonzero(self.users >= 0)
        order = known[np.lexsort((known, self.instants_us[known], self.users[known]))]
        self._by_user = order
        self._by_user_instants = self.instants_us[order]
        counts = np.bincount(self.users[known], minlength=len(self._user_code))
        self._user_starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def history(self, user_ids: Sequence[str | None], instants_us: Ints, limit: int) -> Ints:
        """Return the positions of each user's most recent posts strictly before an instant.

        All questions are answered together by one binary search, so a whole split costs what one post costs.

        Args:
            user_ids: Q users; unknown ones and None have no history.
            instants_us: (Q,) microseconds since 1970.
            limit: how many posts at most, H.

        Returns:
            (Q, H) positions, newest first, padded with -1.
        """
        codes = np.array([-1 if user is None else self._user_code.get(user, -1) for user in user_ids], np.int64)
        known = codes >= 0
        starts = np.where(known, self._user_starts[np.where(known, codes, 0)], 0)
        ends = np.where(known, self._user_starts[np.where(known, codes + 1, 0)], 0)
        low, high = starts.copy(), ends
        while (searching := low < high).any():
            middle = (low + high) // 2
            safe = np.where(searching, middle, 0)
            earlier = searching & (self._by_user_instants[safe] < instants_us)
            low = np.where(earlier, middle + 1, low)
            high = np.where(searching & ~earlier, middle, high)
        places = low[:, None] - 1 - np.arange(limit)[None, :]
        inside = places >= starts[:, None]
        if not len(self._by_user):
            return np.full((len(codes), limit), -1, np.int64)
        return np.where(inside, self._by_user[np.where(inside, places, 0)], -1)

    def hashtags_of(self, position: int) -> Ints:
        """Return the catalogue indices of one remembered post's hashtags."""
        ends = self._hashtag_ends.values
        return self._hashtags.values[(ends[position - 1] if position else 0) : ends[position]]

    def hashtags_table(self, positions: Ints) -> Ints:
        """Return hashtags of many posts as one padded table.

        Args:
            positions: any shape S, -1 for none.

        Returns:
            S + (M,) catalogue indices padded with -1; M is the longest list among them, at least 1.
        """
        if not len(self):
            return np.full((*positions.shape, 1), -1, np.int64)
        ends = self._hashtag_ends.values
        safe = np.maximum(positions, 0)
        stops = np.where(positions >= 0, ends[safe], 0)
        starts = np.where(positions > 0, ends[np.maximum(safe - 1, 0)], 0)
        longest = max(int((stops - starts).max(initial=0)), 1)
        places = starts[..., None] + np.arange(longest)
        inside = places < stops[..., None]
        if not len(self._hashtags):
            return np.full(places.shape, -1, np.int64)
        return np.where(inside, self._hashtags.values[np.where(inside, places, 0)], -1)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what rebuilds the memory: arrays for safetensors and values for JSON."""
        arrays: dict[str, NDArray[Any]] = {
            "users": self.users,
            "instants_us": self.instants_us,
            "hashtags": self._hashtags.values,
            "hashtag_ends": self._hashtag_ends.values,
        }
        if self.width:
            arrays["vectors"] = self.vectors
        values = {"width": self.width, "post_ids": self._post_ids, "user_ids": list(self._user_code)}
        return arrays, values

    @classmethod
    def from_state(
        cls, arrays: dict[str, NDArray[Any]], values: dict[str, Any], catalogue: HashtagCatalogue
    ) -> PostMemory:
        """Rebuild a memory from `state`; `catalogue` must be the one it was saved with."""
        memory = cls(catalogue, int(values["width"]))
        memory._post_ids = list(values["post_ids"])
        memory._positions = {post_id: position for position, post_id in enumerate(memory._post_ids)}
        memory._user_code = {user_id: code for code, user_id in enumerate(values["user_ids"])}
        memory._users.extend(arrays["users"])
        memory._instants.extend(arrays["instants_us"])
        memory._hashtags.extend(arrays["hashtags"])
        memory._hashtag_ends.extend(arrays["hashtag_ends"])
        if memory.width:
            memory._vectors.extend(arrays["vectors"])
        if len(memory):
            memory._sort_in(memory.users, memory.instants_us, 0)
        return memory


class _Column:
    """A growing array: amortised appends, a view of what is filled."""

    def __init__(self, dtype: Any, width: int = 0) -> None:
        self._array: NDArray[Any] = np.empty((0, width) if width else (0,), dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[Any]:
        return self._array[: self._length]

    def extend(self, rows: NDArray[Any]) -> None:
        needed = self._length + len(rows)
        if needed > len(self._array):
            grown = np.empty((max(needed, len(self._array) * 3 // 2), *self._array.shape[1:]), self._array.dtype)
            grown[: self._length] = self.values
            self._array = grown
        self._array[self._length : needed] = rows
        self._length = needed
