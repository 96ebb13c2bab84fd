"""The similarity of posts to remembered posts that are chosen already."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.paired_words import word_similarity

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
_QUERIES_AT_ONCE = 256
_DECIMALS = 5


def similarity_to(
    likeness: Likeness,
    terms: sparse.csr_matrix | None,
    vectors: Mapping[str, Floats],
    memory: PostMemory,
    positions: Ints,
) -> Floats:
    """Return the similarity of Q posts, each to its own remembered posts, without the power and the age of a likeness.

    Args:
        likeness: by what they are compared.
        terms: (Q, slots) caption terms; None where words do not count.
        vectors: of each dense space that counts, (Q, its width).
        memory: holds the remembered posts.
        positions: (Q, H), -1 for none.

    Returns:
        (Q, H) in 0..1 for weights that sum to 1, rounded; 0 for none.
    """
    used = np.unique(positions[positions >= 0])
    rows = np.where(positions >= 0, np.searchsorted(used, positions), -1)
    total = np.zeros(positions.shape)
    for space in likeness.spaces:
        total += likeness.weights[space] * np.maximum(
            word_similarity(terms, memory.terms_at(used), rows)
            if space == WORDS and terms is not None
            else _cosines(vectors[space], memory.vectors_at(space, used), rows),
            0,
        )
    rounded: Floats = np.round(total, _DECIMALS).astype(np.float32)
    return rounded


def _cosines(queries: Floats, remembered: Floats, rows: Ints) -> NDArray[np.float64]:
    found, (asked, known) = np.zeros(rows.shape), (_unit_rows(queries), _unit_rows(remembered))
    if len(known):
        for start in range(0, len(rows), _QUERIES_AT_ONCE):
            part = slice(start, start + _QUERIES_AT_ONCE)
            found[part] = np.einsum("qhd,qd->qh", known[np.maximum(rows[part], 0)], asked[part])
    return np.where(rows >= 0, found, 0)


def _unit_rows(rows: Floats) -> NDArray[np.float64]:
    exact = rows.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    return exact / np.where(lengths > 0, lengths, 1)[:, None]
