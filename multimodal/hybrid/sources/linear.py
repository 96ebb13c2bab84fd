"""`LinearHead`: kernel ridge regression from words and vectors to hashtags; it solves in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.hybrid.sources.base import Floats, Ints, Questions, Source, Values
from multimodal.memory.posts.column import entries_of
from multimodal.memory.questions.hashtag_values import HashtagValues
from multimodal.ranking.score_blocks import posts_at_once
from multimodal.training.large_vocabulary import LARGE_VOCABULARY

MOST_POSTS, _PENALTY = 4_096, 1.0
_DECIMALS = 5
_COLUMNS = ("score",)


@dataclass(frozen=True, slots=True)
class LinearHead:
    """α = (K + λI)⁻¹ Y over the last posts with K = words · words' + Σ over dense spaces of cosine²; λ = 1.

    Attributes:
        words: (slots, M) in which of the posts that it knows each word stands, with its weight there.
        vectors: of each dense space, (M, its width), rows of length 1 or 0.
        weights: α, (M, V); where the vocabulary is large (K + λI)⁻¹, (M, M).
        carried: Y, (M, V), where the vocabulary is large; otherwise None.
    """

    words: sparse.csr_matrix
    vectors: Mapping[str, Floats]
    weights: Floats
    carried: sparse.csr_matrix | None = None

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
        known = [sorted({one for one in row if one < size}) for row in hashtags[first : first + len(kernel)]]
        np.fill_diagonal(kernel, kernel.diagonal() + _PENALTY)
        if size >= LARGE_VOCABULARY:
            return cls(terms.T.tocsr(), units, np.linalg.inv(kernel).astype(np.float32), _carried(known, size))
        targets = np.zeros((len(kernel), size))
        for row, numbers in enumerate(known):
            targets[row, numbers] = 1
        weights = np.linalg.solve(kernel, targets) if len(kernel) else targets
        return cls(terms.T.tocsr(), units, weights.astype(np.float32))

    @property
    def size(self) -> int:
        """V."""
        scored = self.weights if self.carried is None else self.carried
        return int(scored.shape[1])

    def scores(self, terms: sparse.csr_matrix, vectors: Mapping[str, Floats]) -> Floats:
        """Return the scores of every hashtag for B posts, (B, V), rounded; a post's do not depend on the others."""
        count, kernel = terms.shape[0], self._shared_words(terms)
        for space, rows in self.vectors.items():
            asked = _unit(vectors[space])
            for row in range(count):
                kernel[row] += np.maximum(rows @ asked[row], 0) ** 2
        scores = np.empty((count, self.size), np.float32)
        for row in range(count):
            weighted = kernel[row] @ self.weights
            scores[row] = weighted if self.carried is None else self.carried.T @ weighted
        return np.round(scores, _DECIMALS).astype(np.float32)

    def _shared_words(self, terms: sparse.csr_matrix) -> Floats:
        """Return `terms` · `words`, (B, M): for one post, scipy's product takes longer to begin than to compute.

        Row by row, because those of many long captions together hold far more products than sums.
        """
        sums = np.zeros((terms.shape[0], self.words.shape[1]), np.float32)
        for row in range(len(sums)):
            own = slice(terms.indptr[row], terms.indptr[row + 1])
            sizes, entries = entries_of(self.words.indptr[1:], terms.indices[own])
            products = terms.data[own].repeat(sizes) * self.words.data[entries]
            np.add.at(sums[row], self.words.indices[entries], products)
        return sums


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
        best, step = min(self._best, self._head.size), posts_at_once(self._head.size, max(len(questions), 1))
        if not best:
            return HashtagValues(none, none, np.empty((0, 1)), _COLUMNS)
        if step >= len(questions):
            return HashtagValues(*_largest(self._head.scores(questions.terms, questions.vectors), best), _COLUMNS)
        parts = []
        for first in range(0, len(questions), step):
            part = slice(first, first + step)
            vectors = {space: given[part] for space, given in questions.vectors.items()}
            rows, hashtags, values = _largest(self._head.scores(questions.terms[part], vectors), best)
            parts.append((rows + first, hashtags, values))
        all_rows, all_hashtags, all_values = zip(*parts, strict=True)
        together = np.concatenate(all_rows), np.concatenate(all_hashtags), np.concatenate(all_values)
        return HashtagValues(*together, _COLUMNS)


def _largest(scores: Floats, best: int) -> tuple[Ints, Ints, Values]:
    """Return the row, the hashtag and the value of the `best` largest scores above 0 of each row."""
    last = scores.shape[1] - best
    least = np.partition(scores, last, axis=1)[:, last]
    # All that equal the last of them, so that nothing depends on the order of hashtags.
    rows, hashtags = np.nonzero((scores >= least[:, None]) & (scores > 0))
    values: Values = scores[rows, hashtags, None].astype(np.float64)
    return rows, hashtags, values


def _carried(hashtags: Sequence[Sequence[int]], size: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *(len(row) for row in hashtags)])
    columns = np.array([number for row in hashtags for number in row], np.int32)
    return sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(hashtags), size))


def _unit(rows: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    unit: Floats = (rows / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)
    return unit
