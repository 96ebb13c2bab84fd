"""From what a masked language model says about one mask to a list of hashtags: one mask for all, or one after another.

Both rank by P(hashtag | sentence) · factor, normalised over the hashtags that may be named; a factor is given as its
logarithm, -inf bars a hashtag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.top_k import order_candidates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
RankedList = tuple[Ints, Floats]
# Of each post's named hashtags: logits of the C live hashtags for the next one, (B, C).
Ask = Callable[[Sequence[Sequence[int]]], Floats]


def chances(logits: Floats, log_factors: Floats | float = 0.0) -> Floats:
    """Return softmax(logits + log factors) over the hashtags not barred, (B, C); zeros where all are."""
    scores = logits + log_factors
    top = scores.max(1, keepdims=True, initial=-np.inf)
    powers = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
    result: Floats = powers / np.maximum(powers.sum(1, keepdims=True), np.finfo(np.float64).tiny)
    return result


def fill_one_mask(
    ask: Ask, posts: int, log_factors: Floats | float, id_map: HashtagIdMap, count: int
) -> list[RankedList]:
    """Return the first `count` hashtags of each post's only question, with their probabilities.

    Args:
        ask: asks about "caption [MASK]" when nothing is named.
        posts: B.
        log_factors: (B, C) or one for all.
        id_map: its first C hashtags are the live ones.
        count: length of the lists; shorter where fewer may be named.
    """
    logits = ask([[]] * posts)
    allowed = np.isfinite(logits + log_factors)
    scores = np.where(allowed, chances(logits, log_factors), -np.inf)
    columns = np.arange(logits.shape[1])
    return [order_candidates(columns, row, id_map, count) for row in scores]


def fill_one_by_one(
    ask: Ask, posts: int, log_factors: Floats | float, id_map: HashtagIdMap, count: int, questions: int
) -> list[RankedList]:
    """Return lists where each hashtag was asked for with those before it in the sentence, none twice.

    The n-th question names the n-th hashtag; what comes after the last question is ranked by its answer. The score of
    a hashtag is the probability of the list down to it, P(h_1) P(h_2 | h_1) …; after the last question the last factor
    alone differs.

    Args:
        ask, posts, log_factors, id_map, count: see `fill_one_mask`.
        questions: how many questions a post is worth, at least 1.
    """
    named: list[list[int]] = [[] for _ in range(posts)]
    scores: list[list[float]] = [[] for _ in range(posts)]
    last = min(questions, count) - 1
    for question in range(last + 1):
        logits = ask(named)
        allowed = np.isfinite(logits + log_factors)
        for row, listed in enumerate(named):
            allowed[row, listed] = False
        answers = np.where(allowed, chances(np.where(allowed, logits, -np.inf), log_factors), -np.inf)
        columns = np.arange(logits.shape[1])
        for row in range(posts):
            wanted = count - question if question == last else 1
            found, values = order_candidates(columns, answers[row], id_map, wanted)
            before = scores[row][-1] if scores[row] else 1.0
            named[row] += found.tolist()
            scores[row] += (before * values).tolist()
    return [(np.array(n, np.int64), np.array(s, np.float64)) for n, s in zip(named, scores, strict=True)]
