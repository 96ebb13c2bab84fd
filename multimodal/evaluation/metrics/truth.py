"""`Truth`: the true hashtags of many posts as two arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError


@dataclass(frozen=True, slots=True)
class Truth:
    """True hashtags of N posts, without repeats.

    Attributes:
        indices: (M,) int32, index into `names`, post after post, rising inside a post.
        offsets: (N + 1,) int64; post i owns `indices[offsets[i]:offsets[i + 1]]`.
        names: the names of the ranking, then the true hashtags that it does not hold.
        repeats: hashtags left out because their post named them twice.
    """

    indices: NDArray[np.int32]
    offsets: NDArray[np.int64]
    names: Sequence[str]
    repeats: int = 0

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """True hashtags per post, shape (N,)."""
        return np.diff(self.offsets)

    @classmethod
    def from_hashtags(cls, hashtags: Sequence[Sequence[str]], names: Sequence[str]) -> Truth:
        """Map the true hashtags of each post to numbers.

        Args:
            hashtags: per post, in any order; a repeat counts once.
            names: `Rankings.names`; true hashtags outside of it get the numbers that follow.

        Raises:
            DataError: a post's hashtags are one text instead of a list of them.
        """
        for row, tags in enumerate(hashtags):
            if isinstance(tags, str):
                raise DataError(f"the truth of post number {row} is the text {tags!r}; it must be a list of hashtags.")
        index = _GrowingIndex((name, number) for number, name in enumerate(names))
        flat = np.fromiter((index[tag] for tags in hashtags for tag in tags), np.int64)
        sizes = np.fromiter(map(len, hashtags), np.int64, len(hashtags))
        extra = list(index)[len(names) :]
        all_names = [*names, *extra] if extra else names
        return cls._without_repeats(flat, sizes, all_names)

    @classmethod
    def _without_repeats(cls, flat: NDArray[np.int64], sizes: NDArray[np.int64], names: Sequence[str]) -> Truth:
        width = max(len(names), 1)
        keys = np.repeat(np.arange(len(sizes)), sizes) * width + flat
        keys.sort()
        fresh = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
        repeats = int(len(keys) - np.count_nonzero(fresh))
        if repeats:
            keys = keys[fresh]
        offsets = np.searchsorted(keys, np.arange(len(sizes) + 1) * width)
        return cls((keys % width).astype(np.int32), offsets, names, repeats)


class _GrowingIndex(dict[str, int]):
    """Name → number; a name asked for the first time gets the next number."""

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self)
        return number
