"""Choosing the weight of recent use on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.distributed.processes import map_processes
from multimodal.distributed.progress import shared_progress
from multimodal.training.validation_f1 import f1_of_hits, hits_at_k

_K = 5
_POSTS_AT_ONCE = 1_024
Floats = NDArray[np.float64]
# (half-life in days, exponent)
Recency = tuple[float, float]
# Rows of some posts, and half-lives → logits (B, C), and for each half-life the logarithm of the lift (B, C).
Score = Callable[[Sequence[int], Sequence[float]], tuple[Floats, list[Floats]]]


def choose_recency(
    score: Score, truth: Sequence[Sequence[int]], truth_sizes: Sequence[int], grid: Sequence[Recency]
) -> tuple[Recency, dict[Recency, float]]:
    """Return the best pair of half-life and exponent, and the F1@5 (of means) of each; without posts the first pair.

    Of equal pairs the one with the smaller exponent wins, then the earlier one.

    Args:
        score: scores some of N posts by the network and by the memory; -inf excludes a hashtag.
        truth: per post, its hashtags as columns, without those that have no column.
        truth_sizes: (N,) number of hashtags of each post, at least 1.
        grid: pairs, at least one.
    """
    if len(grid) == 1 or not truth:
        return grid[0], {}
    half_lives = list(dict.fromkeys(half_life for half_life, _ in grid))
    with shared_progress("choosing recency", len(truth)) as advance:

        def count(part: Sequence[int]) -> list[list[int]]:
            hits: list[list[int]] = []
            for start in range(0, len(part), _POSTS_AT_ONCE):
                some = part[start : start + _POSTS_AT_ONCE]
                logits, lifts = score(some, half_lives)
                by_half_life, true = dict(zip(half_lives, lifts, strict=True)), [truth[row] for row in some]
                per_pair = [hits_at_k(logits + _weighted(by_half_life[h], w), true, _K) for h, w in grid]
                hits += [list(counts) for counts in zip(*per_pair, strict=True)]
                advance(len(some))
            return hits

        hits = map_processes(range(len(truth)), count)
    scores = dict(zip(grid, f1_of_hits(hits, truth_sizes, _K).tolist(), strict=True))
    best = max(grid, key=lambda pair: (round(scores[pair], 9), -pair[1]))
    return best, scores


def _weighted(log_lift: Floats, exponent: float) -> Floats:
    # 0 · -inf is not a number, and an excluded hashtag stays excluded.
    return np.where(np.isneginf(log_lift), -np.inf, exponent * np.where(np.isneginf(log_lift), 0.0, log_lift))
