"""F1@K from hits per post: what Systems choose epochs and settings by, on validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def f1_of_hits(hits: ArrayLike, truth_sizes: ArrayLike, k: int) -> NDArray[Any]:
    """Return 2PR / (P + R), P the mean of hits / k and R the mean of hits / true hashtags; 0 without a hit or a post.

    Args:
        hits: (N, …) how many of a post's hashtags are among the first k, for each of the settings compared.
        truth_sizes: (N,) how many hashtags a post has, at least one.
        k: length of the lists.

    Returns:
        (…): a 0-dimensional array for hits of shape (N,).
    """
    counts = np.asarray(hits, np.float64)
    if not len(counts):
        return np.zeros(counts.shape[1:])
    precision = counts.mean(0) / k
    recall = (counts.T / np.asarray(truth_sizes, np.float64)).T.mean(0)
    f1: NDArray[Any] = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return f1
