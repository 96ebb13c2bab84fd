"""Metrics that look at where in the list the hits stand: NDCG, average precision, reciprocal rank.

N posts, K ranks, n_k cut-offs: hits are (N, K), true hashtags |G| (N,) and at least 1, values (N, n_k).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints, at_cut_offs, running_sum

ApNorm = Literal["capped", "relevant"]


def discounts(ranks: int) -> Floats:
    """Return 1 / log2(rank + 1) of the ranks from 1 on, (ranks,)."""
    weights: Floats = 1.0 / np.log2(np.arange(2, ranks + 2))
    return weights


def ideal_gains(true_count: Ints, ks: Ints) -> Floats:
    """Return the gain of the best possible list: hits in its first min(|G|, K) ranks.

    Args:
        true_count: (N,) |G|, at least 1.

    Returns:
        (n_k, N).
    """
    ideal = np.concatenate([[np.nan], np.cumsum(discounts(int(ks.max(initial=0))))])
    best: Floats = ideal[np.minimum(true_count, ks[:, None])]
    return best


def ndcg(hits: NDArray[np.bool_], true_count: Ints, ks: Ints) -> Floats:
    """Discounted gain over that of the best possible list: gain 1 a hit, discount 1 / log2(rank + 1).

    The best possible list has hits in its first min(|G|, K) ranks (Järvelin & Kekäläinen, 10.1145/582415.582418).
    """
    hits = hits[:, : int(ks.max(initial=0))]
    gain = at_cut_offs(running_sum(hits * discounts(hits.shape[1])), ks)
    return gain / ideal_gains(true_count, ks).T


def average_precision(hits: NDArray[np.bool_], true_count: Ints, ks: Ints, norm: ApNorm = "capped") -> Floats:
    """Sum of the precision at each hit, over min(|G|, K) (`capped`) or over |G| (`relevant`, as trec_eval)."""
    hits = hits[:, : int(ks.max(initial=0))]
    precision_at_hit = running_sum(hits) * hits / np.arange(1, hits.shape[1] + 1)
    total = at_cut_offs(running_sum(precision_at_hit), ks)
    best = true_count[:, None] if norm == "relevant" else np.minimum(true_count, ks[:, None]).T
    return total / best


def reciprocal_rank(hits: NDArray[np.bool_], ks: Ints) -> Floats:
    """1 / rank of the first hit; 0 without one among the first K."""
    if not hits.shape[1]:
        return np.zeros((len(hits), len(ks)))
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, np.inf)
    return ((first <= ks[:, None]) / first).T
