"""Metrics of hashtags, not of posts: micro and macro F1 as multilabel classification knows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.exact_means import mean_of


@dataclass(frozen=True, slots=True)
class HashtagCounts:
    """Counts of C hashtags over all posts, at one K.

    Attributes:
        named: (C,) posts whose list contains the hashtag.
        right: (C,) posts for which that is right.
        support: (C,) posts it is true of.
        known: (C,) whether it is in the vocabulary.
        vocabulary_size: V.
    """

    named: Ints
    right: Ints
    support: Ints
    known: NDArray[np.bool_]
    vocabulary_size: int


def counts_per_hashtag(
    indices: NDArray[np.int32], hits: NDArray[np.bool_], ks: Ints, size: int
) -> Iterator[tuple[Ints, Ints]]:
    """Yield for each cut-off how often each hashtag was recommended, and how often correctly.

    Args:
        indices: (K, N) hashtag indices by rank, -1 for an empty rank.
        size: number of hashtags C.

    Yields:
        (C,) times named and (C,) true positives, for the first K ranks.
    """
    named, right = np.zeros(size, np.int64), np.zeros(size, np.int64)
    done = 0
    for k in ks:
        for rank in range(done, min(int(k), len(indices))):
            # One count for both: bins 2h + 2 for wrong and 2h + 3 for right; empty ranks fall into the first two.
            bins = 2 * indices[rank].astype(np.int64) + 2
            bins += hits[rank]
            wrong_and_right = np.bincount(bins, minlength=2 * size + 2)[2:].reshape(-1, 2)
            named += wrong_and_right.sum(axis=1)
            right += wrong_and_right[:, 1]
        done = int(k)
        yield named, right


def f1_micro(named: Ints, right: Ints, support: Ints) -> float:
    """2TP / (named + true), pooled over all posts and hashtags; empty ranks name nothing."""
    return float(2 * right.sum() / max(int(named.sum() + support.sum()), 1))


def f1_micro_sums(found: Floats, listed: Floats, true_count: Ints) -> tuple[Floats, Floats]:
    """Return what each post adds to the numerator and to the denominator of micro F1, (N, n_k) each."""
    return 2 * found, listed + true_count[:, None]


def f1_macro_label(named: Ints, right: Ints, support: Ints) -> float:
    """Mean over hashtags of 2TP / (named + true), over those that are true of at least one evaluated post.

    The truth alone fixes the hashtags that are averaged over, so systems are compared over the same ones.
    """
    true_somewhere = support > 0
    values = 2 * right[true_somewhere] / (named + support)[true_somewhere]
    return float(mean_of(values[:, None]).value[0])
