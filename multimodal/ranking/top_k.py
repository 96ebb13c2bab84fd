"""From scores to a ranking of exactly K, with ties broken the same way everywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap

SCORE_DECIMALS = 6
# Hashtag indices and scores of one post, best first.
RankedList: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64]]


def order_candidates(
    indices: NDArray[np.int64], scores: NDArray[np.float64], id_map: HashtagIdMap, k: int
) -> RankedList:
    """Sort one post's candidates by (-score, -train frequency, hashtag) and keep the first `k`.

    Scores are rounded to `SCORE_DECIMALS` first: the last bits of a float depend on the size of the batch and must not
    decide between equal scores. Candidates with a score of -inf or NaN are dropped.

    Args:
        indices: (C,) hashtag indices, no repeats.
        scores: (C,).
        id_map: gives frequency and text for the tie-break.
        k: how many to keep, at least 1.

    Returns:
        Indices and scores, each of length min(k, number of usable candidates).
    """
    usable = np.isfinite(scores)
    indices, scores = indices[usable], np.round(scores[usable], SCORE_DECIMALS)
    if len(indices) > k:
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = scores >= threshold
        indices, scores = indices[kept], scores[kept]
    frequencies = id_map.frequency_of(indices)
    order = np.lexsort((-frequencies, -scores))
    order = _settle_by_name(order, scores, frequencies, indices, id_map.names, k)[:k]
    return indices[order], scores[order]


def _settle_by_name(
    order: NDArray[np.int64],
    scores: NDArray[np.float64],
    frequencies: NDArray[np.int64],
    indices: NDArray[np.int64],
    names: Sequence[str],
    k: int,
) -> NDArray[np.int64]:
    # Only runs that are equal in both numbers and begin before `k` are sorted by text; they are rare.
    sorted_scores, sorted_frequencies = scores[order], frequencies[order]
    differs = (np.diff(sorted_scores) != 0) | (np.diff(sorted_frequencies) != 0)
    if differs.all():
        return order
    starts = [0, *(differs.nonzero()[0] + 1).tolist()]
    settled = order.copy()
    for start, stop in itertools.pairwise([*starts, len(order)]):
        if stop - start > 1 and start < k:
            settled[start:stop] = sorted(order[start:stop].tolist(), key=lambda row: names[int(indices[row])])
    return settled


def top_k(scores: NDArray[np.float64], id_map: HashtagIdMap, k: int) -> Iterator[RankedList]:
    """Yield the indices and scores of each post's best hashtags by dense scores, see `order_candidates`.

    Args:
        scores: (B, C), column = hashtag index; -inf marks a hashtag that must not be recommended.
        id_map: has at least C hashtags.
        k: length of the lists, or shorter if fewer can be recommended.
    """
    columns = np.arange(scores.shape[1])
    return (order_candidates(columns, row, id_map, k) for row in scores)
