"""The figures that a text-only model is selected by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def hit_figures(hits: Sequence[int], truth_sizes: Sequence[int], k: int) -> dict[str, float]:
    """Return F1@k of the mean precision and recall as "score", and the hit rate.

    Args:
        hits: per post, how many of its hashtags are among the first k.
        truth_sizes: per post, how many hashtags it has, at least one.
        k: length of the lists.
    """
    found, sizes = np.array(hits, np.float64), np.array(truth_sizes, np.float64)
    precision, recall = found.mean() / k, (found / sizes).mean()
    score = 2 * precision * recall / max(precision + recall, 1e-12)
    return {"score": float(score), "hit_rate": float((found > 0).mean())}
