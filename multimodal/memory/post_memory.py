"""`PostMemory`: earlier posts by user and by recency. Append-only and ordered by time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.posts import NOW_US, UNDATED_EPOCH_US, Post
from multimodal.memory.growing_array import GrowingArray
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.numbering import Numbering
from multimodal.memory.user_timelines import UserTimelines

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_ARRAYS = (
    "_users",
    "_instants",
    "_hashtags",
    "_hashtag_ends",
    "_vectors",
    "_term_slots",
    "_term_weights",
    "_term_ends",
)


class PostMemory:
    """Posts with their user, instant, hashtags and (optionally) a content vector.

    Every query sees only posts *strictly earlier* than its instant: a post never finds itself, nor another post of
    the same instant. So a memory of a whole stream gives each of its posts exactly what was known at the time (the
    `rolling` protocol); a memory of the train posts alone gives the `frozen` protocol.

    A position is a post's number in the order of appending; positions never change.

    Args:
        id_map: numbers of the hashtags; new hashtags are added as posts come in.
        width: length of a content vector, 0 for none.
        slots: length of a sparse vector of caption terms, 0 for none.
    """

    def __init__(self, id_map: HashtagIdMap, width: int = 0, slots: int = 0) -> None:
        self.id_map = id_map
        self.width = width
        self.slots = slots
        self._user_numbers = Numbering()
        self._positions = Numbering()
        self._newest_us = 0
        self._users = GrowingArray(np.int64)
        self._instants = GrowingArray(np.int64)
        self._hashtags = GrowingArray(np.int64)
        self._hashtag_ends = GrowingArray(np.int64)
        self._vectors = GrowingArray(np.float32, width)
        self._term_slots = GrowingArray(np.int32)
        self._term_weights = GrowingArray(np.float32)
        self._term_ends = GrowingArray(np.int64)
        self._terms = sparse.csr_matrix((0, slots))
        self._timelines = UserTimelines.of(self.users, self.instants_us, 0)

    def __len__(self) -> int:
        return len(self._positions)

    def __contains__(self, post_id: str) -> bool:
        return post_id in self._positions

    @property
    def vocabulary_size(self) -> int:
        """Number of hashtags in the vocabulary."""
        return self.id_map.vocabulary_size

    @property
    def post_ids(self) -> Sequence[str]:
        """Ids by position."""
        return self._positions.names

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
        return self._user_numbers.names

    @property
    def vectors(self) -> Floats:
        """(N, width) content vectors by position; do not change them."""
        return self._vectors.values

    @property
    def terms(self) -> sparse.csr_matrix:
        """(N, slots) sparse caption terms by position; do not change them."""
        if self._terms.shape[0] != len(self):
            starts = np.concatenate([[0], self._term_ends.values])
            parts = (self._term_weights.values, self._term_slots.values, starts)
            self._terms = sparse.csr_matrix(parts, shape=(len(self._term_ends), self.slots))
        return self._terms

    @property
    def newest_us(self) -> int:
        """The latest instant remembered, 0 if the memory is empty."""
        return self._newest_us

    @property
    def now_us(self) -> int:
        """The instant of a post that is being written now: just after everything remembered."""
        return max(self._newest_us, 0) + 1

    def resolve(self, instants_us: Ints) -> Ints:
        """Return instants with `now_us` in place of `NOW_US`; same shape."""
        resolved: Ints = np.where(instants_us == NOW_US, self.now_us, instants_us)
        return resolved

    def position_of(self, post_id: str) -> int | None:
        """Return the position of a remembered post, or None."""
        return self._positions.find(post_id)

    def append(
        self, posts: Sequence[Post], vectors: Floats | None = None, terms: sparse.csr_matrix | None = None
    ) -> None:
        """Remember all of `posts`, or none if anything fails; ids already remembered are refused.

        Args:
            posts: any order of time. A post with neither timestamp nor sequence counts as posted now.
            vectors: (len(posts), width), required when `width` is not 0.
            terms: (len(posts), slots), required when `slots` is not 0.

        Raises:
            ValueError: an id is already remembered, or the vectors have another shape.
        """
        if not posts:
            return
        self._refuse_known([post.post_id for post in posts])
        if self.width and (vectors is None or vectors.shape != (len(posts), self.width)):
            shape = None if vectors is None else vectors.shape
            raise ValueError(f"vectors of shape {shape}; expected ({len(posts)}, {self.width})")
        if self.slots and (terms is None or terms.shape != (len(posts), self.slots)):
            shape = None if terms is None else terms.shape
            raise ValueError(f"terms of shape {shape}; expected ({len(posts)}, {self.slots})")
        undo = self._undoing()
        try:
            self._extend(posts, vectors, terms)
        except BaseException:
            undo()
            raise

    def _extend(self, posts: Sequence[Post], vectors: Floats | None, terms: sparse.csr_matrix | None) -> None:
        first = len(self)
        instants = self.resolve(np.array([post.instant_us for post in posts], np.int64))
        self._newest_us = max(int(instants.max()), self._newest_us if first else UNDATED_EPOCH_US)
        for post in posts:
            self._positions.add(post.post_id)
        users = np.array([self._number_of(post.user_id) for post in posts], np.int64)
        indices = [self.id_map.add(post.hashtags) for post in posts]
        ends = np.cumsum([len(row) for row in indices]) + len(self._hashtags)
        self._users.extend(users)
        self._instants.extend(instants)
        self._hashtags.extend(np.array([index for row in indices for index in row], np.int64))
        self._hashtag_ends.extend(ends.astype(np.int64))
        if self.width and vectors is not None:
            self._vectors.extend(np.asarray(vectors, np.float32))
        if self.slots and terms is not None:
            self._term_ends.extend(terms.indptr[1:].astype(np.int64) + len(self._term_slots))
            self._term_slots.extend(terms.indices.astype(np.int32))
            self._term_weights.extend(terms.data.astype(np.float32))
        self._sort_in(users, instants, first)

    def _undoing(self) -> Callable[[], None]:
        """Return a function that takes back everything that is appended from now on."""
        growing = [self._positions, self._user_numbers, self.id_map, *(getattr(self, name) for name in _ARRAYS)]
        lengths = [len(part) for part in growing]
        newest_us, timelines = self._newest_us, self._timelines

        def undo() -> None:
            for part, length in zip(growing, lengths, strict=True):
                part.truncate(length)
            self._newest_us, self._timelines = newest_us, timelines

        return undo

    def _number_of(self, user_id: str | None) -> int:
        return -1 if user_id is None else self._user_numbers.add(user_id)

    def _refuse_known(self, post_ids: Sequence[str]) -> None:
        # Before anything is written, so that a refused batch leaves the memory as it was.
        new = set()
        for post_id in post_ids:
            if post_id in self._positions or post_id in new:
                raise ValueError(f"post {post_id!r} is already remembered")
            new.add(post_id)

    def _sort_in(self, users: Ints, instants: Ints, first: int) -> None:
        # A few posts are inserted; for many, sorting everything again is faster.
        if len(users) * 10 > len(self):
            self._timelines = UserTimelines.of(self.users, self.instants_us, len(self._user_numbers))
        else:
            self._timelines = self._timelines.with_posts(users, instants, first, len(self._user_numbers))

    def history(self, user_ids: Sequence[str | None], instants_us: Ints, limit: int) -> Ints:
        """Return the positions of each user's most recent posts strictly before an instant.

        Args:
            user_ids: Q users; unknown ones and None have no history.
            instants_us: (Q,) microseconds since 1970.
            limit: how many posts at most, H.

        Returns:
            (Q, H) positions, newest first, padded with -1.
        """
        known = [None if user is None else self._user_numbers.find(user) for user in user_ids]
        numbers = np.array([-1 if number is None else number for number in known], np.int64)
        return self._timelines.before(numbers, instants_us, limit)

    def hashtags_of(self, position: int) -> Ints:
        """Return the hashtag indices of one remembered post's hashtags."""
        ends = self._hashtag_ends.values
        return self._hashtags.values[(ends[position - 1] if position else 0) : ends[position]]

    def hashtags_table(self, positions: Ints) -> Ints:
        """Return hashtags of many posts as one padded table.

        Args:
            positions: any shape S, -1 for none.

        Returns:
            S + (M,) hashtag indices padded with -1; M is the longest list among them, at least 1.
        """
        if not len(self):
            return np.full((*positions.shape, 1), -1, np.int64)
        ends = self._hashtag_ends.values
        safe = np.maximum(positions, 0)
        stops = np.where(positions >= 0, ends[safe], 0)
        starts = np.where(positions > 0, ends[np.maximum(safe - 1, 0)], 0)
        longest = max(int((stops - starts).max(initial=0)), 1)
        entries = starts[..., None] + np.arange(longest)
        inside = entries < stops[..., None]
        if not len(self._hashtags):
            return np.full(entries.shape, -1, np.int64)
        return np.where(inside, self._hashtags.values[np.where(inside, entries, 0)], -1)

    def hashtag_pairs(self, positions: Ints) -> tuple[Ints, Ints]:
        """Return every (post, hashtag) pair of many posts, flat, for posts whose lists differ much in length.

        Args:
            positions: (N,) positions, -1 for none.

        Returns:
            The index into `positions` and the hashtag index of each pair, both (pairs,), in order.
        """
        ends = np.concatenate([[0], self._hashtag_ends.values])
        starts = np.where(positions >= 0, ends[positions], 0)
        counts = np.where(positions >= 0, ends[positions + 1] - starts, 0)
        first_pair = np.cumsum(counts) - counts
        indices = np.repeat(np.arange(len(positions)), counts)
        entries = np.arange(len(indices)) + np.repeat(starts - first_pair, counts)
        return indices, self._hashtags.values[entries]

    @contextmanager
    def fork(self) -> Iterator[PostMemory]:
        """Lend a memory of the same posts for a `with` block; posts appended to either are unseen by the other.

        Nothing is copied. After the block the fork refuses to be used.
        """
        fork = PostMemory(self.id_map.fork(), self.width, self.slots)
        fork._user_numbers, fork._positions = self._user_numbers.fork(), self._positions.fork()
        fork._newest_us, fork._timelines = self._newest_us, self._timelines
        for name in _ARRAYS:
            setattr(fork, name, getattr(self, name).fork())
        try:
            yield fork
        finally:
            for name in _ARRAYS:
                getattr(self, name).release(getattr(fork, name))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the content of the memory: arrays for safetensors and values for JSON."""
        arrays: dict[str, NDArray[Any]] = {
            "users": self.users,
            "instants_us": self.instants_us,
            "hashtags": self._hashtags.values,
            "hashtag_ends": self._hashtag_ends.values,
        }
        if self.width:
            arrays["vectors"] = self.vectors
        if self.slots:
            arrays["term_slots"] = self._term_slots.values
            arrays["term_weights"] = self._term_weights.values
            arrays["term_ends"] = self._term_ends.values
        values = {"width": self.width, "slots": self.slots, "post_ids": list(self.post_ids)}
        values["user_ids"] = list(self.user_ids)
        return arrays, values

    @classmethod
    def from_state(cls, arrays: dict[str, NDArray[Any]], values: dict[str, Any], id_map: HashtagIdMap) -> PostMemory:
        """Rebuild a memory from `state`; `id_map` must be the one it was saved with."""
        memory = cls(id_map, int(values["width"]), int(values["slots"]))
        memory._positions = Numbering(values["post_ids"])
        memory._user_numbers = Numbering(values["user_ids"])
        memory._users.extend(arrays["users"])
        memory._instants.extend(arrays["instants_us"])
        memory._hashtags.extend(arrays["hashtags"])
        memory._hashtag_ends.extend(arrays["hashtag_ends"])
        if memory.width:
            memory._vectors.extend(arrays["vectors"])
        if memory.slots:
            memory._term_slots.extend(arrays["term_slots"])
            memory._term_weights.extend(arrays["term_weights"])
            memory._term_ends.extend(arrays["term_ends"])
        memory._newest_us = int(memory.instants_us.max()) if len(memory) else 0
        memory._timelines = UserTimelines.of(memory.users, memory.instants_us, len(memory._user_numbers))
        return memory
