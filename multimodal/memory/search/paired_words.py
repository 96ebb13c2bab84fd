"""How alike the captions of posts and of their own earlier posts are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.search.columns import Ints

_PAIRED_QUERIES = 2_000


def word_similarity(queries: sparse.csr_matrix, remembered: sparse.csr_matrix, positions: Ints) -> NDArray[np.float32]:
    """Return the cosine between each query and its own remembered posts.

    Args:
        queries: (Q, SLOTS) rows of length 1 (or empty).
        remembered: (N, SLOTS) rows by position.
        positions: (Q, H), -1 for none.

    Returns:
        (Q, H) in 0..1, rounded as by `similarity_of`.
    """
    similarity: NDArray[np.float32] = np.zeros(positions.shape, np.float32)
    for start in range(0, len(positions), _PAIRED_QUERIES):
        block = slice(start, start + _PAIRED_QUERIES)
        rows, ranks = np.nonzero(positions[block] >= 0)
        products = queries[block][rows].multiply(remembered[positions[block][rows, ranks]])
        similarity[block][rows, ranks] = np.round(np.asarray(products.sum(1)).ravel(), 5)
    return similarity
