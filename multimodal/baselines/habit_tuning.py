"""Choosing the two exponents of `user_habit` on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from multimodal.baselines.activation import Floats, Ints, RememberedUses
from multimodal.distributed.progress import shared_progress
from multimodal.training.validation_f1 import f1_of_hits

_K = 5
Exponents = tuple[float, float]
# Of a post's candidates, their activation and K, the list: (indices, scores).
MakeList = Callable[[Ints, Floats, int], tuple[Ints, Floats]]


def choose_exponents(
    chunks: Iterable[RememberedUses], truth: Sequence[Sequence[int]], grid: Sequence[Exponents], make_list: MakeList
) -> tuple[Exponents, dict[Exponents, float]]:
    """Return the best pair of exponents and the F1@5 (of means) of each.

    Equal pairs are decided for the one closest to (1, 1), then for the earlier one.

    Args:
        chunks: the uses remembered for N posts, some posts at a time.
        truth: per post, the hashtag indices of its hashtags, at least one.
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
            for place, exponents in enumerate(grid):
                activation = uses.activation(*exponents)
                for row in range(count):
                    own, true = uses.of(row), truth[done + row]
                    named, _ = make_list(uses.hashtags[own], activation[own], _K)
                    hits[done + row, place] = len(set(named.tolist()).intersection(true))
            done += count
            advance(count)
    scores = dict(zip(grid, f1_of_hits(hits, [len(true) for true in truth], _K).tolist(), strict=True))
    best = max(grid, key=lambda pair: (round(scores[pair], 9), -abs(pair[0] - 1) - abs(pair[1] - 1)))
    return best, scores
