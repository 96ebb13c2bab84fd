"""`PostRows`: everything that is kept of posts but who wrote which, by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.posts.column import Column
from multimodal.memory.posts.dense_spaces import array_name
from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.posts.languages import Languages
from multimodal.memory.posts.number_lists import NumberLists
from multimodal.memory.posts.term_rows import TermRows

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class PostRows:
    """Columns of equal length, which grow at their end and can be forked.

    Args:
        slots: length of a sparse vector of caption terms, 0 for none.
        widths: lengths of the dense vectors, by name of their space.
    """

    __slots__ = ("hashtags", "instants", "languages", "mentions", "terms", "users", "vectors")

    def __init__(self, slots: int, widths: Mapping[str, int]) -> None:
        self.users = GrowingArray(np.int64)
        self.instants = GrowingArray(np.int64)
        self.hashtags, self.mentions = NumberLists(), NumberLists()
        self.languages = Languages()
        self.terms = TermRows(slots)
        self.vectors = {space: Column(np.float32, width) for space, width in widths.items()}

    @property
    def _columns(self) -> list[Any]:
        columns = [self.users, self.instants, self.hashtags, self.mentions, self.languages, self.terms]
        return [*columns, *self.vectors.values()]

    def extend(
        self,
        users: Ints,
        instants_us: Ints,
        hashtags: Sequence[Sequence[int]],
        languages: Sequence[str | None],
        vectors: Mapping[str, Floats],
        terms: sparse.csr_matrix | None,
        mentions: Sequence[Sequence[int]],
    ) -> None:
        """Append n posts.

        Args:
            users: (n,) user numbers, -1 for none.
            instants_us: (n,).
            hashtags: hashtag indices of each.
            languages: code of each caption's language, None where it is not known.
            vectors: of each space, (n, width).
            terms: (n, slots); None where there are no slots.
            mentions: slots of the names that each caption addresses.
        """
        self.users.extend(users)
        self.instants.extend(instants_us)
        self.hashtags.extend(hashtags)
        self.mentions.extend(mentions)
        self.languages.extend(languages)
        for space, rows in vectors.items():
            self.vectors[space].extend(rows)
        if terms is not None:
            self.terms.extend(terms)

    def arrays(self, mentions: bool) -> dict[str, NDArray[Any]]:
        """Return everything as arrays to be saved, with or without the names that captions address."""
        arrays: dict[str, NDArray[Any]] = {
            "users": self.users.values,
            "instants_us": self.instants.values,
            "hashtags": self.hashtags.numbers,
            "hashtag_ends": self.hashtags.ends,
        }
        if mentions:
            arrays |= {"mentions": self.mentions.numbers, "mention_ends": self.mentions.ends}
        if self.languages.codes:
            arrays["languages"] = self.languages.numbers
        if self.terms.slots:
            arrays |= self.terms.arrays()
        return arrays | {array_name(space): column.values for space, column in self.vectors.items()}

    def fill(self, arrays: dict[str, NDArray[Any]], languages: Sequence[str]) -> None:
        """Take what `arrays` returned into rows that are empty.

        Terms and vectors are not copied, so they may be memory-mapped.
        """
        self.users.extend(arrays["users"])
        self.instants.extend(arrays["instants_us"])
        self.hashtags.extend_flat(arrays["hashtags"], arrays["hashtag_ends"])
        none = np.empty(0, np.int64), np.zeros(len(self.users), np.int64)
        self.mentions.extend_flat(arrays.get("mentions", none[0]), arrays.get("mention_ends", none[1]))
        self.languages = Languages(languages)
        self.languages.extend_numbers(arrays.get("languages", np.full(len(self.users), -1, np.int16)))
        if self.terms.slots:
            self.terms = TermRows(self.terms.slots, arrays)
        for space in self.vectors:
            base = arrays[array_name(space)]
            self.vectors[space] = Column(np.float32, base.shape[1], base)

    def truncate(self, length: int) -> None:
        """Drop the posts from `length` on, which were appended since the last fork."""
        for column in self._columns:
            # Without slots there are no rows of terms.
            column.truncate(min(length, len(column)))

    def fork(self) -> PostRows:
        """Return the same posts; appending to either leaves the other as it is."""
        fork = PostRows.__new__(PostRows)
        fork.users, fork.instants, fork.hashtags = self.users.fork(), self.instants.fork(), self.hashtags.fork()
        fork.mentions, fork.languages, fork.terms = self.mentions.fork(), self.languages.fork(), self.terms.fork()
        fork.vectors = {space: column.fork() for space, column in self.vectors.items()}
        return fork

    def release(self, fork: PostRows) -> None:
        """End a fork, see `GrowingArray.release`."""
        for column, other in zip(self._columns, fork._columns, strict=True):
            column.release(other)
