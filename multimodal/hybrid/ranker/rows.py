"""`RankerRows`: candidates with their features and whether they were right, which a ranker learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RankerRows:
    """n candidates of several posts.

    Attributes:
        features: (n, F) float32; NaN for a missing value.
        labels: (n,) whether the post has the hashtag.
        posts: (n,) the number of the post, not falling.
        counts: (n,) how many candidates each stands for, see `thinned`; None for one.
        times: (n,) how many posts the post of each counts as; None for one.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.bool_]
    posts: Ints
    counts: Floats | None = None
    times: Floats | None = None

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.labels) == len(self.posts) or (np.diff(self.posts) < 0).any():
            raise ValueError("features, labels and posts need a row for each candidate, in the order of the posts")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sizes(self) -> Ints:
        """How many rows each post has, post by post."""
        return np.unique(self.posts, return_counts=True)[1]

    @property
    def weights(self) -> Floats:
        """(n,) Weights that sum to the same for every post, or to its `times` of it, 1 on average."""
        number, counts = np.unique(self.posts, return_inverse=True)[1], self.candidate_weights
        weights = counts / np.bincount(number, counts)[number]
        weights = weights if self.times is None else weights * self.times
        return np.asarray(weights * len(self) / weights.sum())

    @property
    def candidate_weights(self) -> Floats:
        """(n,) Weights by which every candidate counts the same, also those that were left out; 1 on average."""
        counts = np.ones(len(self)) if self.counts is None else self.counts
        counts = counts if self.times is None else counts * self.times
        return np.asarray(counts * len(self) / counts.sum())

    def ordered(self) -> RankerRows:
        """Return them in an order that does not depend on the order of rows inside of posts."""
        width = self.features.shape[1]
        factors: NDArray[np.uint64] = np.random.default_rng(0).integers(0, 2**63, width, np.uint64) | 1
        mixed = np.zeros(len(self), np.uint64)
        for column in range(width):
            # Minus zero is zero.
            bits = (self.features[:, column].astype(np.float32) + np.float32(0)).view(np.uint32)
            mixed = (mixed + bits) * factors[column]
            mixed ^= mixed >> np.uint64(32)
        return self.take(np.lexsort((mixed, self.labels, self.posts)))

    def take(self, chosen: Ints) -> RankerRows:
        """Return the chosen rows, which keep the order of the posts."""
        counts, times = (None if one is None else one[chosen] for one in (self.counts, self.times))
        return RankerRows(self.features[chosen], self.labels[chosen], self.posts[chosen], counts, times)

    def counting(self, times: float) -> RankerRows:
        """Return them so that each post counts as so many."""
        return replace(self, times=np.full(len(self), times))


def joined(parts: Sequence[RankerRows]) -> RankerRows:
    """Return the rows of several parts, one behind the other; their posts are numbered on."""
    posts, first = [], 0
    for part in parts:
        number = np.unique(part.posts, return_inverse=True)[1]
        posts.append(number + first)
        first += int(number.max(initial=-1)) + 1
    features = np.concatenate([part.features for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    counts, times = _joined([part.counts for part in parts], parts), _joined([part.times for part in parts], parts)
    return RankerRows(features, labels, np.concatenate(posts), counts, times)


def _joined(columns: Sequence[Floats | None], parts: Sequence[RankerRows]) -> Floats | None:
    if all(column is None for column in columns):
        return None
    return np.concatenate(
        [np.ones(len(part)) if one is None else one for one, part in zip(columns, parts, strict=True)]
    )


def thinned(rows: RankerRows, negatives: int, seed: int = 0) -> RankerRows:
    """Keep all right candidates of each post and a random sample of the wrong ones, which then stand for all of them.

    Args:
        negatives: how many wrong ones of a post to keep at most, at least 1.
        seed: of the draw.
    """
    drawn = np.random.default_rng(seed).random(len(rows))
    order = np.lexsort((drawn, rows.labels, rows.posts))
    number = np.unique(rows.posts, return_inverse=True)[1]
    wrong = np.bincount(number, ~rows.labels).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(rows.sizes)])[:-1]
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(first, rows.sizes)
    kept = np.flatnonzero(rows.labels | (rank < negatives))
    share = wrong / np.maximum(np.minimum(wrong, negatives), 1)
    counts = np.where(rows.labels, 1.0, share[number]) * (1.0 if rows.counts is None else rows.counts)
    return replace(rows, counts=counts).take(kept)
