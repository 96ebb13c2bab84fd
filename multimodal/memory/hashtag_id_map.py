"""`HashtagIdMap`: every hashtag ever seen, as a number. It only grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.numbering import Numbering


class HashtagIdMap:
    """Hashtag ⇄ index, append-only.

    The first `vocabulary_size` indices are the train vocabulary in its own order, so a network's output column
    is the hashtag's index; hashtags first met later (in a user's history, in a neighbour's post) follow.

    Args:
        vocabulary: the train vocabulary, without repeats.
        frequencies: how many train posts carry each of them; breaks ties between equal scores.
    """

    def __init__(self, vocabulary: Sequence[str] = (), frequencies: Sequence[int] | None = None) -> None:
        if len(set(vocabulary)) != len(vocabulary):
            raise ValueError("the vocabulary names a hashtag twice")
        self.vocabulary_size = len(vocabulary)
        self._numbers = Numbering(vocabulary)
        counts = np.zeros(len(vocabulary), np.int64) if frequencies is None else np.asarray(frequencies, np.int64)
        if len(counts) != len(vocabulary):
            raise ValueError(f"{len(counts)} frequencies for {len(vocabulary)} hashtags")
        self._frequencies = counts

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, hashtag: str) -> bool:
        return self._numbers.find(hashtag) is not None

    def __getitem__(self, index: int) -> str:
        return self._numbers[index]

    @property
    def names(self) -> Sequence[str]:
        """All hashtags in index order; do not change it."""
        return self._numbers.names

    @property
    def frequencies(self) -> NDArray[np.int64]:
        """Train frequency of the vocabulary's hashtags, shape (vocabulary_size,)."""
        return self._frequencies

    def frequency_of(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return train frequencies, 0 for hashtags outside the vocabulary; same shape as `indices`."""
        known = (indices >= 0) & (indices < self.vocabulary_size)
        if not self.vocabulary_size:
            return np.zeros(indices.shape, np.int64)
        return np.where(known, self._frequencies[np.where(known, indices, 0)], 0)

    def add(self, hashtags: Iterable[str]) -> list[int]:
        """Return the index of each hashtag; new ones get the next free index."""
        return [self._numbers.add(hashtag) for hashtag in hashtags]

    def truncate(self, length: int) -> None:
        """Drop the hashtags from index `length` on, which were added since the last fork."""
        self._numbers.truncate(length)

    def find(self, hashtag: str) -> int | None:
        """Return the index of `hashtag`, or None when it was never seen."""
        return self._numbers.find(hashtag)

    def vocabulary(self) -> HashtagIdMap:
        """Return a map of the train vocabulary alone, which grows by itself."""
        return HashtagIdMap(self.names[: self.vocabulary_size], self._frequencies.tolist())

    def fork(self) -> HashtagIdMap:
        """Return a map of the same hashtags without copying them; either may grow, unseen by the other."""
        fork = HashtagIdMap()
        fork._numbers = self._numbers.fork()
        fork._frequencies, fork.vocabulary_size = self._frequencies, self.vocabulary_size
        return fork
