"""`TopicTranslations`: P(hashtag | word, topic), stored for pairs that occur together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
# Topics less likely than this do not change a rounded score.
_NEGLIGIBLE = 1e-7


@dataclass(frozen=True, slots=True)
class TopicTranslations:
    """P(h | w, z), backed off to P(h | w), which is backed off to P(h | z).

        P(h | w, z) = ( n(h, w, z) + μ P'(h | w, z) ) / ( n(w, z) + μ )
        P'(h | w, z) = ( n(h, w) + μ P(h | z) ) / ( n(w) + μ )

    Attributes:
        by_topic: n(h, w, z) of each topic, Z sparse (F, V) matrices of the pairs that share a post.
        by_word: n(h, w), (F, V).
        by_label: P(h | z), (Z, V).
        backoff: μ.
    """

    by_topic: list[sparse.csr_matrix]
    by_word: sparse.csr_matrix
    by_label: Floats
    backoff: float

    def translate(self, weights: sparse.csr_matrix, beliefs: Floats) -> Floats:
        """Return P(h | d) = Σ_z P(z | d) Σ_w P(w | d) P(h | w, z), (B, V).

        Args:
            weights: P(w | d), (B, F), rows of sum 1.
            beliefs: P(z | d), (B, Z).
        """
        size = self.by_word.shape[1]
        result: Floats = np.zeros((weights.shape[0], size))
        left_to_words = sparse.csr_matrix(weights.shape)
        left_to_topics = np.zeros_like(beliefs)
        each_word = 1 / (_row_sums(self.by_word) + self.backoff)
        for topic, counts in enumerate(self.by_topic):
            rows = np.flatnonzero(beliefs[:, topic] > _NEGLIGIBLE)
            if not len(rows):
                continue
            share = _scale_rows(weights[rows].astype(np.float64), beliefs[rows, topic])
            share = _scale_columns(share, 1 / (_row_sums(counts) + self.backoff))
            result[rows] += _product(share, counts)
            # The weight that pairs of this topic back off to P(h | w), and from there to P(h | z).
            left = _scale_columns(share, self.backoff * each_word)
            left_to_words = left_to_words + _at_rows(left, rows, weights.shape[0])
            left_to_topics[rows, topic] = self.backoff * _row_sums(left)
        return result + _product(left_to_words, self.by_word) + left_to_topics @ self.by_label


def _row_sums(matrix: sparse.csr_matrix) -> Floats:
    sums: Floats = np.asarray(matrix.sum(1), np.float64).ravel()
    return sums


def _scale_rows(matrix: sparse.csr_matrix, by: Floats) -> sparse.csr_matrix:
    data = matrix.data * np.repeat(by, np.diff(matrix.indptr))
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), matrix.shape)


def _scale_columns(matrix: sparse.csr_matrix, by: Floats) -> sparse.csr_matrix:
    return sparse.csr_matrix((matrix.data * by[matrix.indices], matrix.indices, matrix.indptr), matrix.shape)


def _at_rows(matrix: sparse.csr_matrix, rows: NDArray[np.int64], count: int) -> sparse.csr_matrix:
    lengths = np.zeros(count, np.int64)
    lengths[rows] = np.diff(matrix.indptr)
    ends = np.cumsum(np.concatenate([[0], lengths]))
    return sparse.csr_matrix((matrix.data, matrix.indices, ends), (count, matrix.shape[1]))


def _product(left: sparse.csr_matrix, right: sparse.csr_matrix) -> Floats:
    dense: Floats = sparse.csr_matrix(left @ right.astype(np.float64)).toarray()
    return dense


def learn_translations(
    counts: sparse.csr_matrix, targets: sparse.csr_matrix, beliefs: Floats, backoff: float, smallest: float
) -> TopicTranslations:
    """Count pairs of a word and a hashtag that share a post, for each topic in proportion to P(z | d).

    Args:
        counts: (N, F) how often each word occurs in each post.
        targets: (N, V) 1/k for each of the k hashtags of a post.
        beliefs: P(z | d), (N, Z).
        backoff: μ.
        smallest: beliefs below it are dropped, which keeps the counts sparse.
    """
    counts, targets = counts.astype(np.float64), targets.astype(np.float64)
    by_topic = []
    labels = np.zeros((beliefs.shape[1], targets.shape[1]))
    for topic in range(beliefs.shape[1]):
        rows = np.flatnonzero(beliefs[:, topic] >= smallest)
        held = _scale_rows(targets[rows], beliefs[rows, topic])
        by_topic.append(sparse.csr_matrix(counts[rows].T @ held, dtype=np.float32))
        labels[topic] = np.asarray(held.sum(0)).ravel()
    # Topics back off to the shares of all posts, with the weight of one post.
    overall = np.asarray(targets.sum(0)).ravel()
    overall = overall / max(overall.sum(), 1e-12)
    by_label = (labels + overall) / (labels.sum(1, keepdims=True) + 1)
    by_word = sparse.csr_matrix(counts.T @ targets, dtype=np.float32)
    return TopicTranslations(by_topic, by_word, by_label.astype(np.float32).astype(np.float64), backoff)
