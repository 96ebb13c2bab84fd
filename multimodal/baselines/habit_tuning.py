"""Choosing the two exponents of `user_habit` on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from multimodal.baselines.activation import Floats, Ints, RememberedUses
from multimodal.distributed.progress import shared_progress
from multimodal.training.validation_f1 import f1_of_hits

_K = 5
Exponents = tuple[float, float]
# A post's candidates, their activation and K → the list: (indices, scores).
MakeList = Callable[[Ints, Floats, int], tuple[Ints, Floats]]


def choose_exponents(
    chunks: Iterable[RememberedUses], truth: Sequence[Sequence[int]], grid: Sequence[Exponents], make_list: MakeList
) -> tuple[Exponents, dict[Exponents, float]]:
    """Return the best pair of exponents and the F1@5 (of means) of each.

    Of equal pairs the one closest to (1, 1) wins, then the earlier one.

    Args:
        chunks: the earlier uses of N posts, some posts at a time.
        truth: per post, the indices of its hashtags, at least one.
        grid: pairs (d, r), at least one.
        make_list: ranks one post's candidates.
    """
    if len(grid) == 1:
        return grid[0], {}
    hits = np.zeros((len(truth), len(grid)), np.int64)
    done = 0
    with shared_progress("choosing exponents", len(truth)) as advance:
        for uses in chunks:
            count = len(uses.starts) - 1
            for column, exponents in enumerate(grid):
                activation = uses.activation(*exponents)
                for row in range(count):
                    candidates = uses.of(row)
                    top, _ = make_list(uses.hashtags[candidates], activation[candidates], _K)
                    hits[done + row, column] = len(set(top.tolist()).intersection(truth[done + row]))
            done += count
            advance(count)
    scores = dict(zip(grid, f1_of_hits(hits, [len(true) for true in truth], _K).tolist(), strict=True))
    best = max(grid, key=lambda pair: (round(scores[pair], 9), -abs(pair[0] - 1) - abs(pair[1] - 1)))
    return best, scores
