"""From the logits of a masked language model to ranked hashtags: from one mask, or from several, one after another.

Hashtags are ranked by P(hashtag | sentence) · factor, normalised over those that are allowed. A factor is given as its
logarithm; -inf excludes a hashtag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.top_k import RankedList, order_candidates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# The hashtags in each post's sentence so far → logits of the C live hashtags at the next mask, (B, C).
Ask = Callable[[Sequence[Sequence[int]]], Floats]


def probabilities(logits: Floats, log_factors: Floats | float = 0.0) -> Floats:
    """Return softmax(logits + log factors) over the hashtags not excluded, (B, C); zeros if all are."""
    scores = logits + log_factors
    top = scores.max(1, keepdims=True, initial=-np.inf)
    powers = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
    result: Floats = powers / np.maximum(powers.sum(1, keepdims=True), np.finfo(np.float64).tiny)
    return result


def fill_masks(
    ask: Ask, posts: int, log_factors: Floats | float, id_map: HashtagIdMap, count: int, masks: int
) -> list[RankedList]:
    """Return ranked lists of which the first `masks` - 1 hashtags are filled in one after another.

    The n-th mask gives the n-th hashtag, given those before it in the sentence; the last mask ranks all the rest. The
    score of a hashtag is the probability of the list down to it, P(h_1) P(h_2 | h_1) …; after the last mask only the
    last factor differs. With one mask, scores are the probabilities of "caption [MASK]".

    Args:
        ask: fills a mask.
        posts: B.
        log_factors: (B, C) or one for all.
        id_map: its first C hashtags are the live ones.
        count: length of the lists; shorter if fewer hashtags are allowed.
        masks: filled per post, at least 1.
    """
    ranked: list[list[int]] = [[] for _ in range(posts)]
    scores: list[list[float]] = [[] for _ in range(posts)]
    last = min(masks, count) - 1
    for mask in range(last + 1):
        logits = ask(ranked)
        allowed = np.isfinite(logits + log_factors)
        for row, before in enumerate(ranked):
            allowed[row, before] = False
        filled = np.where(allowed, probabilities(np.where(allowed, logits, -np.inf), log_factors), -np.inf)
        columns = np.arange(logits.shape[1])
        for row in range(posts):
            best, values = order_candidates(columns, filled[row], id_map, count - mask if mask == last else 1)
            scores[row] += ((scores[row][-1] if scores[row] else 1.0) * values).tolist()
            ranked[row] += best.tolist()
    return [(np.array(n, np.int64), np.array(s, np.float64)) for n, s in zip(ranked, scores, strict=True)]
