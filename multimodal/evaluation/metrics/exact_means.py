"""Means over posts that depend neither on their order nor on how they were cut into chunks, to the last bit.

`ExactMean` adds up any values. Two short cuts give the same means several times faster than from the posts:

- hit rate, precision, recall and F1 of a post depend only on how many hits and how many true hashtags it has, so their
  means are means over *groups* of posts with equal counts (`count_groups`);
- at one rank a hit adds the same gain to every post, and a precision that depends only on the hits before it; what both
  are divided by depends on the number of true hashtags. So NDCG, average precision and reciprocal rank follow from
  whole numbers, counted per rank and number of true hashtags (`count_hits_by_rank`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import ApNorm, Floats, Ints, discounts, ideal_gains
from multimodal.evaluation.metrics.chunks import map_chunks

# Rounded to multiples of 2^-36, at most 4,096 values below 32 add up without any rounding in a double (53 bits).
# The error of a mean is below 2^-37, about 7e-12.
_FRACTION_BITS = 36
_BLOCK = 4096
_ROUNDER = 1.5 * 2.0 ** (52 - _FRACTION_BITS)
# Few enough that their counts stay in the cache from one rank to the next.
_POSTS_COUNTED_AT_ONCE = 16_384


class ExactMean:
    """Column means of rows that arrive in any order and any grouping: always the same number, to the last bit.

    NaN marks a row that a column does not count.
    """

    def __init__(self) -> None:
        self._total: NDArray[Any] | None = None
        self._rows: NDArray[np.int64] | None = None

    def add(self, values: NDArray[np.float64]) -> None:
        """Add rows.

        Args:
            values: (N, n_k), between -32 and 32, or NaN.
        """
        if self._total is None or self._rows is None:
            self._total = np.array([0] * values.shape[1], dtype=object)
            self._rows = np.zeros(values.shape[1], np.int64)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            rounded = block + _ROUNDER
            rounded -= _ROUNDER
            total, absent = rounded.sum(axis=0), 0
            if np.isnan(total).any():
                missing = np.isnan(rounded)
                rounded[missing] = 0.0
                total, absent = rounded.sum(axis=0), np.count_nonzero(missing, axis=0)
            self._rows += len(block) - absent
            self._total += (total * 2.0**_FRACTION_BITS).astype(np.int64).astype(object)

    def add_weighted(self, values: NDArray[np.float64], weights: NDArray[np.int64]) -> None:
        """Add rows that stand for several equal ones: the same as `add` of each of them.

        Args:
            values: (M, n_k) or (M, 1), between -32 and 32, or NaN.
            weights: (M, n_k) how many rows each value stands for; the sum over M at most 2^21.
        """
        rounded = values + _ROUNDER
        rounded -= _ROUNDER
        present = ~np.isnan(rounded)
        whole = np.where(present, rounded * 2.0**_FRACTION_BITS, 0.0).astype(np.int64)
        total, rows = (whole * weights).sum(axis=0).astype(object), (present * weights).sum(axis=0)
        self._total = total if self._total is None else self._total + total
        self._rows = rows if self._rows is None else self._rows + rows

    def merge(self, other: ExactMean) -> None:
        """Add the rows of another mean of the same columns."""
        if self._total is None or self._rows is None:
            self._total, self._rows = other._total, other._rows
        elif other._total is not None and other._rows is not None:
            self._total = self._total + other._total
            self._rows = self._rows + other._rows

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows counted per column."""
        return np.zeros(0, np.int64) if self._rows is None else self._rows

    @property
    def value(self) -> NDArray[np.float64]:
        """The means; NaN for a column without a row."""
        if self._total is None:
            return np.zeros(0)
        pairs = zip(self._total, self.rows, strict=True)
        return np.array([total / (int(n) << _FRACTION_BITS) if n else np.nan for total, n in pairs], np.float64)


def mean_of(values: NDArray[np.float64]) -> ExactMean:
    """Return the column means of some rows."""
    mean = ExactMean()
    mean.add(values)
    return mean


def weighted_mean_of(values: NDArray[np.float64], weights: NDArray[np.int64]) -> ExactMean:
    """Return the column means of rows that stand for several each."""
    mean = ExactMean()
    mean.add_weighted(values, weights)
    return mean


@dataclass(frozen=True, slots=True)
class CountGroups:
    """M groups of posts, each with equally many hits among the first K and equally many true hashtags.

    Attributes:
        found: (M, 1) hits among the first K.
        true_count: (M,) true hashtags.
        posts: (M, n_k) how many posts are in each group at each cut-off.
    """

    found: Floats
    true_count: Ints
    posts: Ints


def count_groups(hits: NDArray[np.bool_], true_count: Ints, ks: Ints) -> CountGroups:
    """Count the posts of each group.

    Args:
        true_count: (N,) true hashtags, 0 or more; at least one post.
        ks: (n_k,) rising cut-offs; beyond K the last rank holds.
    """
    sizes, code = _sizes(true_count)
    shape = (len(ks), (hits.shape[1] + 1) * len(sizes))

    def count(chunk: slice) -> Ints:
        posts, group, done = np.empty(shape, np.int64), code[true_count[chunk]], 0
        if not hits[chunk].any():
            posts[:] = np.bincount(group, minlength=shape[1])
            return posts
        for number, k in enumerate(ks):
            for rank in range(done, min(int(k), hits.shape[1])):
                group += hits[chunk, rank] * len(sizes)
            done = max(done, min(int(k), hits.shape[1]))
            posts[number] = np.bincount(group, minlength=shape[1])
        return posts

    parts = map_chunks(count, len(hits), _POSTS_COUNTED_AT_ONCE, "Counting hits", threads=1)
    found = np.repeat(np.arange(hits.shape[1] + 1.0), len(sizes))[:, None]
    return CountGroups(found, np.tile(sizes, hits.shape[1] + 1), np.sum(list(parts), axis=0).T)


@dataclass(frozen=True, slots=True)
class HitsByRank:
    """Hits of all posts, S different numbers of true hashtags among them.

    Attributes:
        true_count: (S,) true hashtags.
        hits: (K, S) posts with a hit at this rank.
        found: (K, S) hits up to this rank, summed over the posts with a hit at it.
        first: (K,) posts whose first hit is at this rank.
        posts: N, of any number of true hashtags.
    """

    true_count: Ints
    hits: Ints
    found: Ints
    first: Ints
    posts: int


def count_hits_by_rank(hits: NDArray[np.bool_], true_count: Ints) -> HitsByRank:
    """Count the hits at each rank.

    Args:
        true_count: (N,) true hashtags, at least 1; at least one post.
    """
    sizes, code = _sizes(true_count)
    ranks = hits.shape[1]
    total, total_found = (np.zeros((ranks, len(sizes)), np.int64) for _ in range(2))
    first = np.zeros(ranks, np.int64)

    def count(chunk: slice) -> None:
        group = code[true_count[chunk]]
        so_far = np.zeros(len(group), np.int64)
        for rank in range(ranks):
            posts = np.flatnonzero(hits[chunk, rank])
            so_far[posts] += 1
            total[rank] += np.bincount(group[posts], minlength=len(sizes))
            total_found[rank] += np.bincount(group[posts], weights=so_far[posts], minlength=len(sizes)).astype(np.int64)
            first[rank] += np.count_nonzero(so_far[posts] == 1)

    for _ in map_chunks(count, len(hits), _POSTS_COUNTED_AT_ONCE, "Counting hits by rank", threads=1):
        pass
    return HitsByRank(sizes, total, total_found, first, len(hits))


def mean_ndcg(counts: HitsByRank, ks: Ints) -> Floats:
    """Return the mean NDCG at every cut-off, (n_k,); see `accuracy.ndcg`."""
    gains = counts.hits * discounts(len(counts.hits))[:, None]
    return _mean_of_ratios(gains, ideal_gains(counts.true_count, ks), counts.posts, ks)


def mean_average_precision(counts: HitsByRank, ks: Ints, norm: ApNorm = "capped") -> Floats:
    """Return the mean average precision at every cut-off, (n_k,); see `accuracy.average_precision`."""
    precisions = counts.found / np.arange(1, len(counts.found) + 1)[:, None]
    relevant = np.broadcast_to(counts.true_count, (len(ks), len(counts.true_count)))
    best = relevant if norm == "relevant" else np.minimum(relevant, ks[:, None])
    return _mean_of_ratios(precisions, best, counts.posts, ks)


def mean_reciprocal_rank(counts: HitsByRank, ks: Ints) -> Floats:
    """Return the mean reciprocal rank at every cut-off, (n_k,); see `accuracy.reciprocal_rank`."""
    ranks = np.arange(1, len(counts.first) + 1)[:, None]
    values = np.append((ranks <= ks) / ranks, np.zeros((1, len(ks))), axis=0)
    posts = np.append(counts.first, counts.posts - counts.first.sum())
    return weighted_mean_of(values, np.broadcast_to(posts[:, None], values.shape)).value


def _sizes(true_count: Ints) -> tuple[Ints, Ints]:
    """Return the different numbers of true hashtags, rising, and the index of each number among them."""
    sizes = np.flatnonzero(np.bincount(true_count))
    code = np.zeros(int(sizes[-1]) + 1, np.int64)
    code[sizes] = np.arange(len(sizes))
    return sizes, code


def _mean_of_ratios(added_KS: Floats, best: Floats | Ints, posts: int, ks: Ints) -> Floats:
    """Sum what the first K ranks add, divide by the best possible sums (n_k, S), and average over the posts."""
    if not len(added_KS):
        return np.zeros(len(ks))
    total = np.cumsum(added_KS, axis=0)[np.minimum(ks, len(added_KS)) - 1]
    # Exactly rounded, so that it does not matter which other cut-offs are asked for.
    return np.array([math.fsum(row) for row in total / best]) / posts
