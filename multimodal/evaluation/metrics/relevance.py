"""Which recommended hashtags are true: the hit matrix that every accuracy metric starts from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError
from multimodal.evaluation.metrics.truth import Truth
from multimodal.ranking.rankings import Rankings

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def hit_matrix(indices: NDArray[np.int32], truth: Truth, rows: Ints) -> Bools:
    """Return which ranks of each list hold a true hashtag of its post.

    Args:
        indices: (K, N) hashtag indices by rank, -1 for an empty rank.
        truth: of at least the posts asked for.
        rows: (N,) the post of `truth` that each column of `indices` belongs to.

    Returns:
        (K, N) bool.
    """
    # Posts with most true hashtags first, so that step j compares just the posts with more than j of them:
    # K x (true hashtags) comparisons in all, each over contiguous memory.
    counts = truth.offsets[rows + 1] - truth.offsets[rows]
    order = np.argsort(-counts, kind="stable")
    sorted_indices = indices[:, order]
    starts = truth.offsets[rows[order]]
    longest = int(counts.max(initial=0))
    longer = len(rows) - np.cumsum(np.bincount(counts, minlength=longest + 1))
    found = np.zeros(indices.shape, np.bool_)
    for step in range(longest):
        n = int(longer[step])
        found[:, :n] |= sorted_indices[:, :n] == truth.indices[starts[:n] + step]
    hits = np.empty_like(found)
    hits[:, order] = found
    return hits


def check_rankings(rankings: Rankings, rows: slice) -> None:
    """Check some lists of a ranking.

    Raises:
        DataError: an index outside the names, a gap before the end of a list, a hashtag named twice, a score that
            is NaN or infinite, or scores that rise along a list; the message names the post and the rank.
    """
    indices, scores = rankings.indices[rows], rankings.scores[rows]
    lowest, highest = indices.min(initial=0), indices.max(initial=-1)
    if lowest < -1 or highest >= len(rankings.names):
        outside = (indices < -1) | (indices >= len(rankings.names))
        _refuse(rankings, rows, outside, "is not the number of a hashtag", indices)
    finite = np.isfinite(scores)
    if lowest < 0:
        named = indices >= 0
        _refuse(rankings, rows, named[:, 1:] & ~named[:, :-1], "comes after an empty rank", indices, first_rank=2)
        finite |= ~named
    if not finite.all():
        _refuse(rankings, rows, ~finite, "is not a finite score", scores)
    _refuse(rankings, rows, scores[:, 1:] > scores[:, :-1], "is a higher score than that before it", scores, 2)
    ordered = np.sort(indices.astype(np.int32), axis=1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if repeated.any():
        row, column = np.argwhere(repeated)[0]
        raise DataError(
            f"post {rankings.post_ids[rows.start + row]!r}: the hashtag {rankings.names[ordered[row, column]]!r} is "
            "recommended twice; a list must not repeat a hashtag."
        )


def _refuse(
    rankings: Rankings, rows: slice, wrong: Bools, what: str, values: NDArray[np.generic], first_rank: int = 1
) -> None:
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        rank = column + first_rank
        raise DataError(f"post {rankings.post_ids[rows.start + row]!r}, rank {rank}: {values[row, rank - 1]} {what}.")


def check_post_ids(post_ids: Sequence[str]) -> None:
    """Check that no post is there twice.

    Raises:
        DataError: it is; the message names the first and how many there are.
    """
    if len(set(post_ids)) == len(post_ids):
        return
    seen: set[str] = set()
    repeated = [post_id for post_id in post_ids if post_id in seen or seen.add(post_id)]  # type: ignore[func-returns-value]
    raise DataError(f"post {repeated[0]!r} is ranked twice ({len(repeated)} repeated post ids in all).")
