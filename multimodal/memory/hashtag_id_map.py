"""`HashtagIdMap`: every hashtag ever seen, as a number. It only grows."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, MutableMapping, Sequence

import numpy as np
from numpy.typing import NDArray


class HashtagIdMap:
    """Hashtag ⇄ index, append-only.

    The first `vocabulary_size` indices are the train vocabulary in its own order, so a network's output column
    is the hashtag's index; hashtags first met later (in a user's history, in a neighbour's post) follow.

    Args:
        vocabulary: the train vocabulary, without repeats.
        frequencies: how many train posts carry each of them; breaks ties between equal scores.
    """

    def __init__(self, vocabulary: Sequence[str] = (), frequencies: Sequence[int] | None = None) -> None:
        self._names: list[str] = list(vocabulary)
        self._index: MutableMapping[str, int] = {name: index for index, name in enumerate(self._names)}
        if len(self._index) != len(self._names):
            raise ValueError("the vocabulary names a hashtag twice")
        counts = np.zeros(len(self._names), np.int64) if frequencies is None else np.asarray(frequencies, np.int64)
        if len(counts) != len(self._names):
            raise ValueError(f"{len(counts)} frequencies for {len(self._names)} hashtags")
        self._frequencies = counts
        self.vocabulary_size = len(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, hashtag: str) -> bool:
        return hashtag in self._index

    def __getitem__(self, index: int) -> str:
        return self._names[index]

    @property
    def names(self) -> Sequence[str]:
        """All hashtags in index order; do not change it."""
        return self._names

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
        """Return the index of each hashtag, giving new ones the next free index."""
        indices = []
        for hashtag in hashtags:
            index = self._index.get(hashtag)
            if index is None:
                index = self._index[hashtag] = len(self._names)
                self._names.append(hashtag)
            indices.append(index)
        return indices

    def find(self, hashtag: str) -> int | None:
        """Return the index of `hashtag`, or None when it was never seen."""
        return self._index.get(hashtag)

    def vocabulary(self) -> HashtagIdMap:
        """Return a map of the train vocabulary alone, which grows by itself."""
        return HashtagIdMap(self._names[: self.vocabulary_size], self._frequencies.tolist())

    def fork(self) -> HashtagIdMap:
        """Return a map of the same hashtags that grows by itself; use it only until this one grows."""
        fork = HashtagIdMap()
        fork._names = self._names.copy()
        fork._index = ChainMap({}, self._index)
        fork._frequencies = self._frequencies
        fork.vocabulary_size = self.vocabulary_size
        return fork
