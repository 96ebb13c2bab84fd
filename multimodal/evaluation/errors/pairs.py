"""Which hashtag is recommended instead of which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking, Floats, Ints

MOST_PAIRS = 200


def confused_pairs(ranking: FlatRanking, k: int, most: int = MOST_PAIRS) -> pd.DataFrame:
    """Count in how many posts one hashtag is true but missed while another is named wrongly among the first K.

    Args:
        most: pairs returned, those of most posts.

    Returns:
        missed, instead, posts, share (of the posts that miss the first), lift: how much more often than if missing the
        one and wrongly recommending the other were independent. Popular hashtags are named wrongly
        beside everything and have a lift near 1; a real confusion has a large one.
    """
    from scipy import sparse

    shape = (len(ranking), len(ranking.names))
    missed = (ranking.true_rank == 0) | (ranking.true_rank > k)
    wrong = (ranking.rank <= k) & ~ranking.hit
    misses = _table(ranking.true_post[missed], ranking.true_tag[missed], shape)
    wrongs = _table(ranking.post[wrong], ranking.tag[wrong], shape)
    together = sparse.coo_array(misses.T @ wrongs)
    missed_in, wrong_in = np.bincount(ranking.true_tag[missed], minlength=shape[1]), wrongs.sum(axis=0)
    first, second = together.coords
    posts = together.data
    lift = posts * len(ranking) / (missed_in[first] * np.asarray(wrong_in)[second])
    # Of equals the more telling first, then by name, so that the table does not depend on the numbering.
    order = sorted(
        np.flatnonzero(posts >= _threshold(posts, most)).tolist(),
        key=lambda at: (-posts[at], -round(float(lift[at]), 9), ranking.names[first[at]], ranking.names[second[at]]),
    )[:most]
    return pd.DataFrame(
        {
            "missed": [ranking.names[first[at]] for at in order],
            "instead": [ranking.names[second[at]] for at in order],
            "posts": posts[order].astype(np.int64),
            "share": posts[order] / missed_in[first[order]],
            "lift": lift[order],
        }
    )


def _threshold(posts: Floats, most: int) -> float:
    return 0.0 if len(posts) <= most else float(np.partition(posts, len(posts) - most)[len(posts) - most])


def _table(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
