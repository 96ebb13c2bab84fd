"""Values of candidates beside those of the other candidates of their post."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.hashtag_values import places_in_runs, run_sizes, run_starts

Ints = NDArray[np.int64]
Values = NDArray[np.float64]


def relative_to_best(rows: Ints, values: Values) -> tuple[Values, Values]:
    """Return the rank of each value in its post, from 1, and its share of the post's largest, (n, R) each.

    Equal values have the same rank, that of the first of them. Where no value of a post is above 0, shares are 0.

    Args:
        rows: (n,) the post of each, ascending.
        values: (n, R) of which each column is looked at alone.
    """
    if not values.size:
        return values, values
    columns_Rn, starts = values.T, run_starts(rows)
    sizes, column_R1 = run_sizes(starts, len(rows)), np.arange(values.shape[1])[:, None]
    order = np.lexsort((-columns_Rn, rows[None].repeat(len(columns_Rn), axis=0)))
    falling = columns_Rn[column_R1, order]
    opens = np.ones(falling.shape, np.bool_)
    opens[:, 1:] = (falling[:, 1:] != falling[:, :-1]) | (rows[1:] != rows[:-1])
    places = places_in_runs(starts, sizes)
    firsts = np.maximum.accumulate(np.where(opens, np.arange(len(rows)), 0), axis=1)
    ranks = np.empty(falling.shape)
    ranks[column_R1, order] = places[firsts] + 1.0
    best = falling[:, starts].repeat(sizes, axis=1)
    shares = np.divide(columns_Rn, best, out=np.zeros(falling.shape), where=best > 0)
    return ranks.T, shares.T
