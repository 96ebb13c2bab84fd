"""`Rankings`: the recommendations of a System for many posts, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rankings:
    """Ranked hashtags for N posts, best first, at most K each.

    Attributes:
        post_ids: N ids.
        indices: (N, K) int64, index into `names`; a list shorter than K is padded with -1.
        scores: (N, K) float64, never increasing along a row; NaN where `indices` is -1.
        names: hashtag text by index; not all need be used.
    """

    post_ids: Sequence[str]
    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    names: Sequence[str]

    @classmethod
    def from_lists(
        cls,
        post_ids: Sequence[str],
        lists: Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]],
        k: int,
        names: Sequence[str],
    ) -> Rankings:
        """Stack one (indices, scores) pair per post, each best first and at most `k` long."""
        indices = np.full((len(post_ids), k), -1, np.int64)
        scores = np.full((len(post_ids), k), np.nan)
        for row, (chosen, values) in enumerate(lists):
            indices[row, : len(chosen)] = chosen
            scores[row, : len(chosen)] = values
        return cls(post_ids, indices, scores, names)

    def __len__(self) -> int:
        return len(self.post_ids)

    @property
    def k(self) -> int:
        """The length of the lists."""
        return int(self.indices.shape[1])

    def of(self, row: int) -> list[tuple[str, float]]:
        """Return the (hashtag, score) pairs of one post, best first."""
        return [
            (self.names[index], float(score))
            for index, score in zip(self.indices[row], self.scores[row], strict=True)
            if index >= 0
        ]

    def __iter__(self) -> Iterator[list[tuple[str, float]]]:
        return (self.of(row) for row in range(len(self)))
