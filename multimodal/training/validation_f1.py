"""F1@K on validation posts: what Systems select epochs and settings by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def f1_of_hits(hits: ArrayLike, truth_sizes: ArrayLike, k: int) -> NDArray[Any]:
    """Return 2PR / (P + R), P the mean of hits / k and R the mean of hits / true hashtags; 0 without hits or posts.

    Args:
        hits: (N, …) how many of a post's hashtags are among the first k, for each of the settings compared.
        truth_sizes: (N,) number of hashtags of each post, at least 1.
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


def hits_at_k(scores: NDArray[Any], truth: Sequence[Sequence[int]], k: int) -> list[int]:
    """Return how many true hashtags are among the `k` of the highest scores, for each post.

    Args:
        scores: (B, C); a hashtag whose score is not finite cannot be recommended. Which of equal scores count is
            not defined.
        truth: the columns of each post's hashtags.
        k: length of the lists.
    """
    length = min(k, scores.shape[1])
    top = np.argpartition(-scores, length - 1, axis=1)[:, :length]
    return count_hits(np.where(np.isfinite(np.take_along_axis(scores, top, 1)), top, -1), truth)


def count_hits(recommended: NDArray[np.int64], truth: Sequence[Sequence[int]]) -> list[int]:
    """Return how many of each post's true hashtags are in its row of `recommended`, (B, K), -1 for none."""
    return [len(set(row) & set(true)) for row, true in zip(recommended.tolist(), truth, strict=True)]
