"""How similar two hashtags are, learned from the train posts; `redundancy` builds on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.beyond_accuracy import Similarity

# A dense table of this many hashtags takes 256 MiB; larger vocabularies are looked up in the sparse matrix.
_LARGEST_DENSE = 8191


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
