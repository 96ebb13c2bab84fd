"""Filling a short list up to exactly K hashtags."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def fill_up(
    indices: Ints, scores: Floats, fallback: Ints, fallback_scores: Floats, k: int, excluded: Collection[int] = ()
) -> tuple[Ints, Floats]:
    """Append the best of a fallback ranking that are neither in the list nor excluded, up to `k`.

    Args:
        indices: (n,) hashtags of the list, best first.
        scores: (n,).
        fallback: (F,) hashtags in the order of the fallback, no repeats.
        fallback_scores: (F,) below all `scores`, never increasing.
        k: length of the list.
        excluded: hashtags that must not be recommended.

    Returns:
        Indices and scores, each of length k, or shorter if the fallback is exhausted.
    """
    missing = k - len(indices)
    if missing <= 0:
        return indices[:k], scores[:k]
    # At most n + |excluded| hashtags of the fallback are blocked.
    reach = slice(0, k + len(excluded))
    blocked = np.concatenate([indices, np.fromiter(excluded, np.int64, len(excluded))])
    free = ~np.isin(fallback[reach], blocked)
    return (
        np.concatenate([indices, fallback[reach][free][:missing]]),
        np.concatenate([scores, fallback_scores[reach][free][:missing]]),
    )
