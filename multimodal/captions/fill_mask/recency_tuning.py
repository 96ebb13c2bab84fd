"""Choosing how much recent use weighs, on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.distributed.processes import map_processes
from multimodal.distributed.progress import shared_progress
from multimodal.training.validation_f1 import f1_of_hits

_K = 5
_POSTS_AT_ONCE = 1_024
Floats = NDArray[np.float64]
# (half-life in days, exponent)
Recency = tuple[float, float]
# Of the rows of some posts: logits (B, C), and per half-life the logarithm of the lift (B, C).
Judge = Callable[[Sequence[int], Sequence[float]], tuple[Floats, list[Floats]]]


def choose_recency(
    judge: Judge, truth: Sequence[Sequence[int]], truth_sizes: Sequence[int], grid: Sequence[Recency]
) -> tuple[Recency, dict[Recency, float]]:
    """Return the best pair of half-life and exponent, and the F1@5 (of means) of each; the first pair without posts.

    Equal pairs are decided for the smaller exponent, then for the earlier one.

    Args:
        judge: gives what the network and the memory say of N posts, by row; -inf bars a hashtag.
        truth: per post, its hashtags as columns; those that have none are left out.
        truth_sizes: (N,) how many hashtags each post has, at least one.
        grid: pairs, at least one.
    """
    if len(grid) == 1 or not truth:
        return grid[0], {}
    half_lives = list(dict.fromkeys(half_life for half_life, _ in grid))
    rows = range(len(truth))
    hits: list[list[int]] = []
    with shared_progress("choosing recency", len(truth)) as advance:

        def count(part: Sequence[int]) -> list[list[int]]:
            found: list[list[int]] = []
            for start in range(0, len(part), _POSTS_AT_ONCE):
                some = part[start : start + _POSTS_AT_ONCE]
                logits, lifts = judge(some, half_lives)
                by_half_life = dict(zip(half_lives, lifts, strict=True))
                per_pair = [_hits(logits + _weighed(by_half_life[h], w), some, truth) for h, w in grid]
                found += [list(counts) for counts in zip(*per_pair, strict=True)]
                advance(len(some))
            return found

        hits = map_processes(rows, count)
    scores = dict(zip(grid, f1_of_hits(hits, truth_sizes, _K).tolist(), strict=True))
    best = max(grid, key=lambda pair: (round(scores[pair], 9), -pair[1]))
    return best, scores


def _weighed(log_lift: Floats, exponent: float) -> Floats:
    # 0 · -inf is not a number, and what is barred stays barred.
    return np.where(np.isneginf(log_lift), -np.inf, exponent * np.where(np.isneginf(log_lift), 0.0, log_lift))


def _hits(scores: Floats, rows: Sequence[int], truth: Sequence[Sequence[int]]) -> list[int]:
    k = min(_K, scores.shape[1])
    named = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    usable = np.isfinite(np.take_along_axis(scores, named, 1))
    lists = [set(row[allowed].tolist()) for row, allowed in zip(named, usable, strict=True)]
    return [len(listed.intersection(truth[row])) for listed, row in zip(lists, rows, strict=True)]
