"""Properties of a list other than accuracy: how surprising its hashtags are, and how much they repeat each other.

N posts, K ranks, n_k cut-offs. Empty ranks (-1) are neither surprising nor like anything: they are left out. How
similar two hashtags are is learned from the train posts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints, at_cut_offs, running_sum

# From the vocabulary numbers of two hashtags (arrays that broadcast) to their similarity.
Similarity = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.floating[Any]]]
# A dense table of this many hashtags takes 256 MiB; larger vocabularies are looked up in the sparse matrix.
_LARGEST_DENSE = 8191


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


def cooccurrence_similarity(hashtags: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> Any:
    """Return the cosine between hashtags, each seen as the set of train posts that carry it.

    s(a, b) = n_ab / sqrt(n_a n_b), with n the number of posts that carry a, b, or both.

    Args:
        hashtags: of each train post; those outside the vocabulary are passed over.

    Returns:
        (V, V) SciPy CSR array; 1 on the diagonal of the hashtags that occur.
    """
    from scipy import sparse

    index = {hashtag: number for number, hashtag in enumerate(vocabulary)}
    known = [sorted({index[tag] for tag in tags if tag in index}) for tags in hashtags]
    columns = np.fromiter((number for tags in known for number in tags), np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(tags) for tags in known], dtype=np.int64)])
    shape = (len(known), len(vocabulary))
    posts = sparse.csr_array((np.ones(len(columns)), columns, offsets), shape=shape)
    together = (posts.T @ posts).tocsr()
    norm = 1.0 / np.sqrt(np.maximum(together.diagonal(), 1.0))
    scale = sparse.dia_array((norm[None], [0]), shape=together.shape)
    return (scale @ together @ scale).tocsr()


def as_similarity(similarity: Any, vocabulary_size: int) -> Similarity:
    """Make a function of two arrays of vocabulary numbers out of a function, a sparse or a dense matrix.

    The number `vocabulary_size` stands for a hashtag outside the vocabulary and is like nothing.

    Raises:
        ValueError: the matrix is not (V, V).
    """
    if callable(similarity):
        return _outside_is_zero(similarity, vocabulary_size)
    if tuple(similarity.shape) != (vocabulary_size, vocabulary_size):
        raise ValueError(f"similarity of shape {tuple(similarity.shape)} for {vocabulary_size} hashtags")
    if isinstance(similarity, np.ndarray) or vocabulary_size <= _LARGEST_DENSE:
        dense = similarity if isinstance(similarity, np.ndarray) else similarity.toarray()
        return _dense_lookup(dense)
    return _sparse_lookup(similarity.tocsr())


def _outside_is_zero(similarity: Similarity, size: int) -> Similarity:
    def look_up(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.floating[Any]]:
        first, second = np.broadcast_arrays(first, second)
        inside = (first < size) & (second < size)
        values = np.zeros(first.shape, np.float64)
        values[inside] = similarity(first[inside], second[inside])
        return values

    return look_up


def _dense_lookup(dense: NDArray[np.floating[Any]]) -> Similarity:
    width = len(dense) + 1
    table = np.zeros((width, width), np.float32)
    table[:-1, :-1] = dense
    flat = table.ravel()

    def look_up(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.floating[Any]]:
        return flat.take(first.astype(np.int64) * width + second)

    return look_up


def _sparse_lookup(matrix: Any) -> Similarity:
    matrix.sum_duplicates()
    size = matrix.shape[0]
    rows = np.repeat(np.arange(size, dtype=np.int64), np.diff(matrix.indptr))
    keys = rows * (size + 1) + matrix.indices
    values = np.append(matrix.data, 0.0).astype(np.float32)

    def look_up(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.floating[Any]]:
        wanted = first.astype(np.int64) * (size + 1) + second
        position = np.searchsorted(keys, wanted)
        stored = np.append(keys, -1)[position] == wanted
        return values[np.where(stored, position, len(keys))]

    return look_up
