"""How alike the captions of posts and of their own earlier posts are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.posts.column import entries_of
from multimodal.memory.questions.hashtag_values import run_starts
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
    queries = queries if queries.has_sorted_indices else queries.sorted_indices()
    similarity: NDArray[np.float32] = np.zeros(positions.shape, np.float32)
    for start in range(0, len(positions), _PAIRED_QUERIES):
        block = slice(start, start + _PAIRED_QUERIES)
        asked = queries if len(positions) <= _PAIRED_QUERIES else queries[block]
        rows, ranks = (positions[block] >= 0).nonzero()
        counts, entries = entries_of(remembered.indptr[1:], positions[block][rows, ranks])
        weights = _weights_at(asked, rows.repeat(counts), remembered.indices[entries])
        products = weights * remembered.data[entries]
        shared = products.nonzero()[0]
        owners = np.arange(len(rows)).repeat(counts)[shared]
        starts = run_starts(owners)
        sums = np.zeros(len(rows), np.float32)
        # The sum of what two posts share depends on nothing else.
        if len(starts):
            sums[owners[starts]] = np.add.reduceat(products[shared], starts)
        similarity[block][rows, ranks] = np.round(sums, 5)
    return similarity


def _weights_at(queries: sparse.csr_matrix, rows: Ints, slots: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the weights of terms in queries, 0 for those that a query lacks; (n,) as rows and slots."""
    width = queries.shape[1]
    known = np.arange(queries.shape[0]).repeat(np.diff(queries.indptr)) * width + queries.indices
    wanted = rows * width + slots
    places = np.minimum(known.searchsorted(wanted), len(known) - 1)
    if not len(known):
        return np.zeros(len(wanted), np.float32)
    return np.where(known[places] == wanted, queries.data[places], np.float32(0))
