"""Values of candidates beside those of the other candidates of their post."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.hashtag_values import run_starts

Ints = NDArray[np.int64]
Values = NDArray[np.float64]


def relative_to_best(rows: Ints, values: Values) -> tuple[Values, Values]:
    """Return the rank of each value in its post, from 1, and its share of the post's largest.

    Equal values have the same rank, that of the first of them. Where no value of a post is above 0, shares are 0.

    Args:
        rows: (n,) the post of each, ascending.
        values: (n,).
    """
    if not len(rows):
        return values, values
    starts = run_starts(rows)
    sizes = np.diff(np.append(starts, len(rows)))
    order = np.lexsort((-values, rows))
    sorted_values = values[order]
    place = np.arange(len(rows))
    opens = np.concatenate([[True], (sorted_values[1:] != sorted_values[:-1]) | (rows[1:] != rows[:-1])])
    firsts = np.maximum.accumulate(np.where(opens, place, 0)) - np.repeat(starts, sizes)
    ranks = np.empty(len(rows))
    ranks[order] = firsts + 1
    best = np.repeat(np.maximum.reduceat(values, starts), sizes)
    shares = np.divide(values, best, out=np.zeros(len(rows)), where=best > 0)
    return ranks, shares
