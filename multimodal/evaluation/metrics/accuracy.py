"""Metrics of the hits of a post: of the set of the first K (hit rate, precision, recall, F1), then of where they stand
in the list (NDCG, average precision, reciprocal rank). One value per post.

N posts, K ranks, n_k cut-offs: hits are (N, K), true hashtags |G| (N,), values (N, n_k). `found` counts hits among the
first K ranks (`hits_at`), so every function of the set is one line of arithmetic on (N, n_k) arrays. NDCG and average
precision need |G| of at least 1.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ApNorm = Literal["capped", "relevant"]


def running_sum(values: NDArray[Any]) -> Floats:
    """Return the sum over the first 1, 2, … K ranks, (N, K), Fortran order."""
    total = np.empty(values.shape, np.float64, order="F")
    if values.shape[1]:
        total[:, 0] = values[:, 0]
    for rank in range(1, values.shape[1]):
        np.add(total[:, rank - 1], values[:, rank], out=total[:, rank])
    return total


def at_cut_offs(running: Floats, ks: Ints) -> Floats:
    """Pick the columns of the cut-offs from (N, K) running values: (N, n_k); beyond K the last one holds."""
    if not running.shape[1]:
        return np.zeros((len(running), len(ks)), order="F")
    return np.asarray(running.T[np.minimum(ks, running.shape[1]) - 1].T)


def hits_at(hits: NDArray[np.bool_], ks: Ints) -> Floats:
    """Count the true hashtags among the first K ranks, |C|.

    Returns:
        (N, n_k).
    """
    return at_cut_offs(running_sum(hits[:, : int(ks.max(initial=0))]), ks)


def hit_rate(found: Floats) -> Floats:
    """min(1, |C|)."""
    return np.minimum(found, 1.0)


def precision(found: Floats, ks: Ints) -> Floats:
    """|C| / K; the missing ranks of a shorter list count as misses."""
    return found / ks


def recall(found: Floats, true_count: Ints) -> Floats:
    """|C| / |G|; NaN where there is no true hashtag."""
    return found / np.where(true_count > 0, true_count, np.nan)[:, None]


def f1_per_post(found: Floats, true_count: Ints, ks: Ints) -> Floats:
    """2PR / (P + R) of one post, which is 2|C| / (K + |G|), and 0 without a hit."""
    return 2 * found / (true_count + ks[:, None]).T


def recall_capped(found: Floats, true_count: Ints, ks: Ints) -> Floats:
    """|C| / min(|G|, K): 1 is within reach at every K."""
    return found / np.minimum(true_count, ks[:, None]).T


def f1_of_means(mean_precision: Floats, mean_recall: Floats) -> Floats:
    """2PR / (P + R) of the mean precision and the mean recall: the headline F1; 0 where both are 0."""
    total = mean_precision + mean_recall
    return np.divide(2 * mean_precision * mean_recall, total, out=np.asarray(total * 0.0), where=total > 0)


def f1_change(precision: Floats, recall: Floats, of_precision: Floats, of_recall: Floats) -> Floats:
    """Return the first-order change of `f1_of_means` for small changes of the mean precision and the mean recall."""
    total = np.where(precision + recall > 0, precision + recall, 1.0) ** 2
    change: Floats = 2 * (recall**2 * of_precision + precision**2 * of_recall) / total
    return change


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
