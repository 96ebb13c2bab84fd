"""Properties of a list other than accuracy: how surprising its hashtags are, and how much they repeat each other.

N posts, K ranks, n_k cut-offs. Empty ranks (-1) are neither surprising nor like anything: they are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints, at_cut_offs, running_sum

# From the vocabulary numbers of two hashtags (arrays that broadcast) to their similarity.
Similarity = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class RecommendedLists:
    """The lists of N posts, at most K hashtags each.

    Attributes:
        indices: (N, K) hashtag indices, -1 for an empty rank.
        numbers: (N, K) vocabulary numbers; V for empty ranks and for hashtags outside the vocabulary.
        length: (N,) hashtags in each list.
        bits: (C,) `information` of each hashtag.
        similarity: of two vocabulary numbers; V is like nothing.
    """

    indices: NDArray[np.int32]
    numbers: NDArray[np.int32]
    length: Ints
    bits: Floats
    similarity: Similarity


def information(frequencies: Ints, total: int) -> Floats:
    """Return -log2 of each hashtag's share of the vocabulary's uses in train, in bits.

    Args:
        frequencies: (C,) uses; 0, of a hashtag outside the vocabulary, is treated as one use.
        total: uses of all hashtags of the vocabulary.
    """
    bits: Floats = np.log2(max(total, 1)) - np.log2(np.maximum(frequencies, 1))
    return bits


def novelty(indices: NDArray[np.int32], length: Ints, bits: Floats, ks: Ints) -> Floats:
    """Mean information of the first K hashtags, in bits (Vargas & Castells, 10.1145/2043932.2043955).

    Args:
        indices: (N, K) hashtag indices, -1 for an empty rank.

    Returns:
        (N, n_k); NaN for an empty list.
    """
    with_empty = np.append(bits, 0.0)  # index -1 reads the last entry
    total = at_cut_offs(running_sum(with_empty[indices[:, : int(ks.max(initial=0))]]), ks)
    return total / _or_nan(listed_at(length, ks))


def redundancy(numbers: NDArray[np.int32], length: Ints, similarity: Similarity, ks: Ints) -> Floats:
    """Mean similarity over the pairs of hashtags among the first K (intra-list similarity).

    Args:
        numbers: (N, K) vocabulary numbers; V for empty ranks and for hashtags outside the vocabulary.

    Returns:
        (N, n_k); NaN for a list of fewer than two hashtags.
    """
    numbers = np.asfortranarray(numbers[:, : int(ks.max(initial=0))])
    added = np.zeros(numbers.shape, np.float64, order="F")
    for rank in range(1, numbers.shape[1]):
        # One addition after the other, in double: the same sum whatever the chunk.
        added[:, rank] = running_sum(similarity(numbers[:, :rank], numbers[:, rank, None]))[:, -1]
    count = listed_at(length, ks)
    return at_cut_offs(running_sum(added), ks) / _or_nan(count * (count - 1) / 2)


def catalogue_coverage(named: Ints, in_vocabulary: NDArray[np.bool_], vocabulary_size: int) -> float:
    """Return the share of the vocabulary that was recommended at least once.

    Args:
        named: (C,) how often each hashtag was named.
        in_vocabulary: (C,).
        vocabulary_size: V; 0 gives NaN.
    """
    return int(np.count_nonzero(named[in_vocabulary])) / vocabulary_size if vocabulary_size else float("nan")


def listed_at(length: Ints, ks: Ints) -> Floats:
    """Count the hashtags among the first K ranks, (N, n_k): lists have no gaps, so it is min(K, length)."""
    return np.minimum(length, ks[:, None]).T.astype(np.float64)


def _or_nan(count: Floats) -> Floats:
    return np.where(count > 0, count, np.nan)
