"""Means of NDCG and average precision over all posts at once, from how many posts have a hit at which rank.

At one rank a hit adds the same gain to every post, and a precision that depends on the hits before it alone; what both
are divided by depends on the number of true hashtags. So whole numbers, counted per rank and number of true hashtags,
give the means: the same whatever the order of the posts, and several times faster than from the posts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.chunks import map_chunks
from multimodal.evaluation.metrics.ranked import ApNorm, discounts, ideal_gains

# Few enough that their counts stay in the cache from one place to the next.
_POSTS_COUNTED_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class HitsByRank:
    """Hits of all posts with equally many true hashtags, S different numbers of them.

    Attributes:
        true_count: (S,) true hashtags.
        hits: (K, S) posts with a hit at this rank.
        found: (K, S) hits up to this rank, summed over the posts with a hit at it.
        posts: N, of any number of true hashtags.
    """

    true_count: Ints
    hits: Ints
    found: Ints
    posts: int


def count_hits_by_rank(hits: NDArray[np.bool_], true_count: Ints) -> HitsByRank:
    """Count the hits at each rank.

    Args:
        hits: (N, K) whether the hashtag at a rank is true.
        true_count: (N,) true hashtags, at least 1; at least one post.
    """
    sizes = np.flatnonzero(np.bincount(true_count))
    code = np.zeros(int(sizes[-1]) + 1, np.int64)
    code[sizes] = np.arange(len(sizes))

    def count(chunk: slice) -> tuple[Ints, Ints]:
        own = code[true_count[chunk]]
        so_far = np.zeros(len(own), np.int64)
        at_rank, summed = (np.zeros((hits.shape[1], len(sizes)), np.int64) for _ in range(2))
        for rank in range(hits.shape[1]):
            posts = np.flatnonzero(hits[chunk, rank])
            so_far[posts] += 1
            at_rank[rank] = np.bincount(own[posts], minlength=len(sizes))
            summed[rank] = np.bincount(own[posts], weights=so_far[posts], minlength=len(sizes))
        return at_rank, summed

    total, total_found = (np.zeros((hits.shape[1], len(sizes)), np.int64) for _ in range(2))
    for at_rank, summed in map_chunks(count, len(hits), _POSTS_COUNTED_AT_ONCE, "Counting hits by rank", threads=1):
        total += at_rank
        total_found += summed
    return HitsByRank(sizes, total, total_found, len(hits))


def mean_ndcg(counts: HitsByRank, ks: Ints) -> Floats:
    """Return the mean NDCG at every cut-off, (n_k,); see `ranked.ndcg`."""
    gains = counts.hits * discounts(len(counts.hits))[:, None]
    return _mean(gains, ideal_gains(counts.true_count, ks), counts.posts, ks)


def mean_average_precision(counts: HitsByRank, ks: Ints, norm: ApNorm = "capped") -> Floats:
    """Return the mean average precision at every cut-off, (n_k,); see `ranked.average_precision`."""
    precisions = counts.found / np.arange(1, len(counts.found) + 1)[:, None]
    relevant = np.broadcast_to(counts.true_count, (len(ks), len(counts.true_count)))
    best = relevant if norm == "relevant" else np.minimum(relevant, ks[:, None])
    return _mean(precisions, best, counts.posts, ks)


def _mean(added_KS: Floats, best: Floats | Ints, posts: int, ks: Ints) -> Floats:
    """Sum what the first K ranks add, divide by the best possible sums (n_k, S), and average over the posts."""
    if not len(added_KS):
        return np.zeros(len(ks))
    total = np.cumsum(added_KS, axis=0)[np.minimum(ks, len(added_KS)) - 1]
    # Exactly rounded, so that it does not matter which other cut-offs are asked for.
    return np.array([math.fsum(row) for row in total / best]) / posts
