"""`LinearHead`: kernel ridge regression from words and vectors to hashtags; it solves in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.hybrid.sources.base import Floats, Ints, Questions, Source, Values
from multimodal.memory.questions.hashtag_values import HashtagValues

MOST_POSTS, _PENALTY = 4_096, 1.0
_DECIMALS = 5
_COLUMNS = ("score",)


@dataclass(frozen=True, slots=True)
class LinearHead:
    """α = (K + λI)⁻¹ Y over the last posts with K = words · words' + Σ over dense spaces of cosine²; λ = 1.

    Attributes:
        words: (slots, M) in which of the posts that it knows each word stands, with its weight there.
        vectors: of each dense space, (M, its width), rows of length 1 or 0.
        weights: α, (M, V).
    """

    words: sparse.csr_matrix
    vectors: Mapping[str, Floats]
    weights: Floats

    @classmethod
    def fit(
        cls, terms: sparse.csr_matrix, vectors: Mapping[str, Floats], hashtags: Sequence[Sequence[int]], size: int
    ) -> LinearHead:
        """Solve for posts by time, of which the last 4,096 count.

        Args:
            terms: (N, slots).
            vectors: of each dense space, (N, its width).
            hashtags: numbers of each post's hashtags, of N posts at least; those from `size` on are left out.
            size: V.
        """
        first = max(terms.shape[0] - MOST_POSTS, 0)
        terms, units = terms[first:], {space: _unit(rows[first:]) for space, rows in vectors.items()}
        kernel = np.asarray((terms @ terms.T).todense(), np.float64)
        for rows in units.values():
            kernel += np.maximum(rows.astype(np.float64) @ rows.T, 0) ** 2
        targets = np.zeros((len(kernel), size))
        for row, numbers in enumerate(hashtags[first : first + len(kernel)]):
            targets[row, [number for number in numbers if number < size]] = 1
        np.fill_diagonal(kernel, kernel.diagonal() + _PENALTY)
        weights = np.linalg.solve(kernel, targets) if len(kernel) else targets
        return cls(terms.T.tocsr(), units, weights.astype(np.float32))

    def scores(self, terms: sparse.csr_matrix, vectors: Mapping[str, Floats]) -> Floats:
        """Return the scores of every hashtag for B posts, (B, V), rounded; a post's do not depend on the others."""
        count, size = terms.shape[0], self.weights.shape[1]
        kernel = np.asarray((terms @ self.words).todense(), np.float32)
        for space, rows in self.vectors.items():
            asked = _unit(vectors[space])
            for row in range(count):
                kernel[row] += np.maximum(rows @ asked[row], 0) ** 2
        scores = np.empty((count, size), np.float32)
        for row in range(count):
            scores[row] = kernel[row] @ self.weights
        return np.round(scores, _DECIMALS).astype(np.float32)


class Linear(Source):
    """The scores of a `LinearHead`.

    Args:
        head: fitted on posts that are earlier than those asked about; None says nothing.
        best: how many hashtags of each post have a score.
    """

    name = "linear"
    columns = _COLUMNS
    ranked = _COLUMNS
    reach = 20

    def __init__(self, head: LinearHead | None, best: int = 60) -> None:
        self._head, self._best = head, best

    def missing(self, questions: Questions) -> NDArray[np.bool_]:
        """Return all posts if there is no head."""
        return np.full(len(questions), self._head is None)

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return the largest scores."""
        none: Ints = np.empty(0, np.int64)
        if self._head is None:
            return HashtagValues(none, none, np.empty((0, 1)), _COLUMNS)
        scores = self._head.scores(questions.terms, questions.vectors)
        best = min(self._best, scores.shape[1])
        if not best:
            return HashtagValues(none, none, np.empty((0, 1)), _COLUMNS)
        least = np.partition(scores, scores.shape[1] - best, axis=1)[:, scores.shape[1] - best]
        # All that equal the last of them, so that nothing depends on the order of hashtags.
        rows, hashtags = np.nonzero((scores >= least[:, None]) & (scores > 0))
        values: Values = scores[rows, hashtags, None].astype(np.float64)
        return HashtagValues(rows, hashtags, values, _COLUMNS)


def _unit(rows: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    unit: Floats = (rows / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)
    return unit
