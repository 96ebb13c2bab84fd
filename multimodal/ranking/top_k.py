"""Choosing exactly K: from scores to a ranking, with ties broken the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap

SCORE_DECIMALS = 6


def order_candidates(
    indices: NDArray[np.int64], scores: NDArray[np.float64], id_map: HashtagIdMap, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort one post's candidates by (-score, -train frequency, hashtag) and keep the first `k`.

    Scores are rounded to `SCORE_DECIMALS` first, so that the last bits of a float, which depend on the size of
    the batch, do not decide between equals. Candidates with a score of -inf or NaN are never taken.

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
    order = _settle_by_name(order, scores, frequencies, indices, id_map.names)[:k]
    return indices[order], scores[order]


def _settle_by_name(
    order: NDArray[np.int64],
    scores: NDArray[np.float64],
    frequencies: NDArray[np.int64],
    indices: NDArray[np.int64],
    names: Sequence[str],
) -> NDArray[np.int64]:
    # Python sorts by text only the runs that are equal in both numbers, which are rare.
    sorted_scores, sorted_frequencies = scores[order], frequencies[order]
    equal = (np.diff(sorted_scores) == 0) & (np.diff(sorted_frequencies) == 0)
    if not equal.any():
        return order
    settled = order.copy()
    start = 0
    for stop in range(1, len(order) + 1):
        if stop == len(order) or not equal[stop - 1]:
            if stop - start > 1:
                settled[start:stop] = sorted(order[start:stop], key=lambda row: names[int(indices[row])])
            start = stop
    return settled


def top_k(scores: NDArray[np.float64], id_map: HashtagIdMap, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank dense scores over the first C hashtags for B posts.

    Args:
        scores: (B, C), column = hashtag index; -inf marks a hashtag that must not be named.
        id_map: at least C hashtags.
        k: length of the lists.

    Returns:
        (B, k) indices padded with -1 and (B, k) scores padded with NaN.
    """
    rows = len(scores)
    indices_out = np.full((rows, k), -1, np.int64)
    scores_out = np.full((rows, k), np.nan)
    columns = np.arange(scores.shape[1])
    for row in range(rows):
        chosen, values = order_candidates(columns, scores[row], id_map, k)
        indices_out[row, : len(chosen)] = chosen
        scores_out[row, : len(chosen)] = values
    return indices_out, scores_out
