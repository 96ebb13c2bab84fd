"""How much hashtags were used recently, by all users, strictly before an instant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_DAY_US = 86_400_000_000.0
# A use this old has 2^-64 of the weight of a new one.
_LONGEST_HALF_LIVES = 64.0


def decayed_uses(memory: PostMemory, instants_us: Ints, columns: int, half_life_days: float) -> Floats:
    """Return Σ_j 2^(-age_j / half-life) over all uses j of a hashtag strictly before each instant, by any user.

    Args:
        memory: earlier posts, in any order.
        instants_us: (Q,) instants; "now" is after all posts of the memory.
        columns: C, the number of hashtags, the first of the id map.
        half_life_days: above 0.

    Returns:
        (Q, C); zeros where nothing was used.
    """
    queries = memory.resolve(instants_us)
    result = np.zeros((len(queries), columns))
    used_us, hashtags = _uses(memory, queries, columns, _LONGEST_HALF_LIVES * half_life_days)
    order = np.argsort(queries, kind="stable")
    stops = np.searchsorted(used_us, queries[order], side="left")
    sums, before, start = np.zeros(columns), 0.0, 0
    for row, stop in zip(order.tolist(), stops.tolist(), strict=True):
        now = float(queries[row])
        sums *= np.exp2((before - now) / _DAY_US / half_life_days) if start else 0.0
        if stop > start:
            ages = (now - used_us[start:stop].astype(np.float64)) / _DAY_US
            sums += np.bincount(hashtags[start:stop], np.exp2(-ages / half_life_days), minlength=columns)
        result[row] = sums
        before, start = now, stop
    return result


def used_within(memory: PostMemory, instants_us: Ints, columns: int, days: float) -> Flags:
    """Return which hashtags anybody used in the last days strictly before each instant, (Q, C).

    Args:
        memory, instants_us, columns: see `decayed_uses`.
        days: above 0.
    """
    queries = memory.resolve(instants_us)
    result = np.zeros((len(queries), columns), np.bool_)
    used_us, hashtags = _uses(memory, queries, columns, days)
    order = np.argsort(queries, kind="stable")
    stops = np.searchsorted(used_us, queries[order], side="left")
    newest, start = np.full(columns, -np.inf), 0
    for row, stop in zip(order.tolist(), stops.tolist(), strict=True):
        newest[hashtags[start:stop]] = used_us[start:stop]
        result[row] = float(queries[row]) - newest <= days * _DAY_US
        start = stop
    return result


def recency_lift(uses: Floats, shares: Floats, smoothing: float) -> Floats:
    """Return the ratio of the recent use of a hashtag to its expectation from the train posts, (Q, C).

    (R_h + β) / (E_h + β) with R the decayed uses, E_h = share_h Σ R their expectation, and β pseudo-uses: the mean of a
    gamma-Poisson posterior around 1. Without any use it is 1 for all hashtags.

    Args:
        uses: (Q, C) from `decayed_uses`.
        shares: (C,) of all uses in the train posts, summing to 1.
        smoothing: β, above 0.
    """
    lift: Floats = (uses + smoothing) / (uses.sum(1, keepdims=True) * shares + smoothing)
    return lift


def _uses(memory: PostMemory, queries: Ints, columns: int, reach_days: float) -> tuple[Ints, Ints]:
    """Return instants and hashtags of all uses in the range of any query, ordered by time."""
    if not len(queries) or not len(memory):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    instants = memory.instants_us
    # In floating point, because the distance from an undated post does not fit an integer.
    in_reach = float(queries.min()) - instants.astype(np.float64) <= reach_days * _DAY_US
    positions = np.flatnonzero(in_reach & (instants < queries.max()))
    positions = positions[np.argsort(instants[positions], kind="stable")]
    posts, hashtags = memory.hashtag_pairs(positions)
    inside = hashtags < columns
    return instants[positions[posts[inside]]], hashtags[inside]
