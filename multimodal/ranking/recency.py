"""What hashtags everybody has used lately, strictly before an instant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_DAY_US = 86_400_000_000.0
# A use that old weighs 2^-64 of a new one.
_LONGEST_HALF_LIVES = 64.0


def decayed_uses(memory: PostMemory, instants_us: Ints, columns: int, half_life_days: float) -> Floats:
    """Return Σ_j 2^(-age_j / half-life) over all uses j of a hashtag strictly before each instant, by any user.

    Args:
        memory: what was posted; its order does not matter.
        instants_us: (Q,) the instants asked about; "now" is after everything remembered.
        columns: C, the first hashtags of the id map are looked at.
        half_life_days: above 0.

    Returns:
        (Q, C); zeros where nothing was used.
    """
    asked = memory.resolve(instants_us)
    result = np.zeros((len(asked), columns))
    used_us, hashtags = _uses(memory, asked, columns, _LONGEST_HALF_LIVES * half_life_days)
    order = np.argsort(asked, kind="stable")
    stops = np.searchsorted(used_us, asked[order], side="left")
    sums, before, start = np.zeros(columns), 0.0, 0
    for row, stop in zip(order.tolist(), stops.tolist(), strict=True):
        now = float(asked[row])
        sums *= np.exp2((before - now) / _DAY_US / half_life_days) if start else 0.0
        if stop > start:
            ages = (now - used_us[start:stop].astype(np.float64)) / _DAY_US
            sums += np.bincount(hashtags[start:stop], np.exp2(-ages / half_life_days), minlength=columns)
        result[row] = sums
        before, start = now, stop
    return result


def used_within(memory: PostMemory, instants_us: Ints, columns: int, days: float) -> Flags:
    """Return which hashtags somebody has used in the last days strictly before each instant, (Q, C).

    Args:
        memory, instants_us, columns: see `decayed_uses`.
        days: above 0.
    """
    asked = memory.resolve(instants_us)
    result = np.zeros((len(asked), columns), np.bool_)
    used_us, hashtags = _uses(memory, asked, columns, days)
    order = np.argsort(asked, kind="stable")
    stops = np.searchsorted(used_us, asked[order], side="left")
    newest, start = np.full(columns, -np.inf), 0
    for row, stop in zip(order.tolist(), stops.tolist(), strict=True):
        newest[hashtags[start:stop]] = used_us[start:stop]
        result[row] = float(asked[row]) - newest <= days * _DAY_US
        start = stop
    return result


def recency_lift(uses: Floats, shares: Floats, smoothing: float) -> Floats:
    """Return how much more a hashtag is used lately than its share of the train posts says, (Q, C).

    (R_h + β) / (E_h + β) with R the decayed uses, E_h = share_h Σ R what they would be if nothing had changed, and β
    pseudo-uses: the mean of a gamma-Poisson posterior around 1. Without any use it is 1 for all.

    Args:
        uses: (Q, C) from `decayed_uses`.
        shares: (C,) of all uses in the train posts, summing to 1.
        smoothing: β, above 0.
    """
    lift: Floats = (uses + smoothing) / (uses.sum(1, keepdims=True) * shares + smoothing)
    return lift


def _uses(memory: PostMemory, asked: Ints, columns: int, reach_days: float) -> tuple[Ints, Ints]:
    """Return instants and hashtags of all uses that any of the questions can see, in order of time."""
    if not len(asked) or not len(memory):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    instants = memory.instants_us
    # In floating point, because the distance from an undated post does not fit an integer.
    in_reach = float(asked.min()) - instants.astype(np.float64) <= reach_days * _DAY_US
    positions = np.flatnonzero(in_reach & (instants < asked.max()))
    positions = positions[np.argsort(instants[positions], kind="stable")]
    places, hashtags = memory.hashtag_pairs(positions)
    inside = hashtags < columns
    return instants[positions[places[inside]]], hashtags[inside]
