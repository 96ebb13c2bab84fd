"""Learning the weights of a `LinearModel` from sparse features: AdaGrad on batches, sparse throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import logsumexp

from multimodal.captions.linear.model import LinearModel
from multimodal.distributed.progress import shared_progress
from multimodal.training.large_vocabulary import HASHTAGS_AT_ONCE, LARGE_VOCABULARY

LinearLoss: TypeAlias = Literal["softmax", "logistic", "squared_hinge"]
Scores: TypeAlias = NDArray[np.float32]
Residual: TypeAlias = Callable[[Scores, sparse.csr_matrix], Scores]
# Initial sum of squared gradients: the first steps of a rare word are in proportion to its gradient.
_FIRST_SQUARE = 0.1


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """How a linear model learns.

    Attributes:
        loss: of the scores of a post.
        strength: C of scikit-learn: C Σ loss + |W|² / 2 is minimised; infinite for no penalty. The bias has none.
        learning_rate: of AdaGrad.
        batch_size: posts per step.
        seed: determines the order of the posts.
    """

    loss: LinearLoss
    strength: float
    learning_rate: float = 1.0
    batch_size: int = 1_024
    seed: int = 0


def learn_linear(
    features: sparse.csr_matrix, targets: sparse.csr_matrix, settings: LinearSettings, passes: int
) -> Iterator[LinearModel]:
    """Yield the model after each pass over the posts; the next pass changes it in place.

    Only pairs of a word and a class that share a train post have a weight (AdaGrad: Duchi, Hazan & Singer 2011). With
    thousands of hashtags these are a few percent of all pairs, and a score still falls by the bias or if others rise.

    Args:
        features: (N, F).
        targets: (N, C), positive; for the softmax their sum is the weight of a post.
        settings: how to learn.
        passes: over the posts, at least 1.
    """
    learner = _Learner(features, targets, settings)
    posts = features.shape[0]
    draw = np.random.default_rng(settings.seed)
    with shared_progress("fitting", passes * posts) as advance:
        for _ in range(passes):
            order = draw.permutation(posts)
            for start in range(0, posts, settings.batch_size):
                rows = order[start : start + settings.batch_size]
                learner.step(rows)
                advance(len(rows))
            yield learner.model()


class _Learner:
    """Learns block by block of classes where they are many: no array has a row per post or word, a column per class."""

    def __init__(self, features: sparse.csr_matrix, targets: sparse.csr_matrix, settings: LinearSettings) -> None:
        self._loss, self._features = settings.loss, features
        self._decay = _decay_per_step(features, settings)
        self._weight_of_posts = np.asarray(targets.sum(1), np.float32).reshape(-1, 1)
        bias, classes = starting_bias(settings.loss, targets), targets.shape[1]
        width = HASHTAGS_AT_ONCE if classes >= LARGE_VOCABULARY else classes
        self._blocks = [
            _Block(features, targets[:, first : first + width], bias[first : first + width], settings)
            for first in range(0, classes, width)
        ]

    def step(self, rows: NDArray[np.int64]) -> None:
        """Update the weights of the words of some posts."""
        features = self._features[rows]
        words, columns = np.unique(features.indices, return_inverse=True)
        shape = (features.shape[0], len(words))
        local = sparse.csr_matrix((features.data, columns.astype(np.int32), features.indptr), shape)
        several = self._loss == "softmax" and len(self._blocks) > 1
        totals = self._log_totals(local, words) if several else None
        for block in self._blocks:
            targets, weights = block.targets[rows], block.weights[words]
            scores = block.scores(local, weights)
            if totals is None:
                residual = RESIDUALS[self._loss](scores, targets)
            else:
                residual = np.exp(scores - totals) * self._weight_of_posts[rows]
                residual[_entries(targets)] -= targets.data
            block.step(local, words, weights, residual, self._decay[words])

    def _log_totals(self, local: sparse.csr_matrix, words: NDArray[np.int32]) -> Scores:
        """Return ln Σ exp(score) over the classes of all blocks, (B, 1)."""
        parts = [logsumexp(block.scores(local, block.weights[words]), 1, keepdims=True) for block in self._blocks]
        totals: Scores = logsumexp(np.hstack(parts), 1, keepdims=True)
        return totals

    def model(self) -> LinearModel:
        """Return the model; of a single block its own arrays, which `step` changes in place."""
        if len(self._blocks) == 1:
            return LinearModel(self._blocks[0].weights, self._blocks[0].bias)
        weights = sparse.hstack([block.weights for block in self._blocks], format="csr")
        return LinearModel(weights, np.concatenate([block.bias for block in self._blocks]))


class _Block:
    """The weights of neighbouring classes."""

    def __init__(
        self,
        features: sparse.csr_matrix,
        targets: sparse.csr_matrix,
        bias: NDArray[np.float32],
        settings: LinearSettings,
    ) -> None:
        self.targets, self.bias, self._rate = targets, bias, settings.learning_rate
        self.weights = _common_pairs(features, targets)
        self._squares = np.full(self.weights.nnz, _FIRST_SQUARE, np.float32)
        self._bias_squares = np.full(len(self.bias), _FIRST_SQUARE, np.float32)

    def scores(self, local: sparse.csr_matrix, weights: sparse.csr_matrix) -> Scores:
        """Return scores (B, W) by the weights of a batch's words, which are few, so that these are made dense."""
        scores: Scores = local @ weights.toarray() + self.bias
        return scores

    def step(
        self,
        local: sparse.csr_matrix,
        words: NDArray[np.int32],
        weights: sparse.csr_matrix,
        residual: Scores,
        decay: NDArray[np.float32],
    ) -> None:
        """Update the weights of `words`, which are `weights`, by the gradient, read where there is a weight."""
        lengths = np.diff(weights.indptr)
        rows = np.repeat(np.arange(len(words)), lengths)
        gradient = (local.T @ residual)[rows, weights.indices] + decay[rows] * weights.data
        positions = np.arange(weights.nnz) + np.repeat(self.weights.indptr[words] - weights.indptr[:-1], lengths)
        squares = self._squares[positions] + gradient**2
        self._squares[positions] = squares
        self.weights.data[positions] -= self._rate * gradient / np.sqrt(squares)
        slope = residual.sum(0)
        self._bias_squares += slope**2
        self.bias -= self._rate * slope / np.sqrt(self._bias_squares)


def _common_pairs(features: sparse.csr_matrix, targets: sparse.csr_matrix) -> sparse.csr_matrix:
    pairs = sparse.csr_matrix(features.T @ targets, dtype=np.float32)
    pairs.sort_indices()
    pairs.data[:] = 0
    return pairs


def _decay_per_step(features: sparse.csr_matrix, settings: LinearSettings) -> NDArray[np.float32]:
    # A pass visits every post once, so the penalty is applied once per pass. A step updates only the words of its
    # batch, so the penalty of a word is divided by the number of steps expected to contain it.
    posts, words = features.shape
    steps = -(-posts // settings.batch_size)
    share = np.bincount(features.indices, minlength=words) / posts
    expected = steps * (1 - (1 - share) ** min(settings.batch_size, posts))
    decay: NDArray[np.float32] = (1 / settings.strength / np.maximum(expected, 1e-9)).astype(np.float32)
    return decay


def softmax_residual(scores: Scores, targets: sparse.csr_matrix) -> Scores:
    """Return the gradient of -Σ_c t_c ln softmax(s)_c: (Σ_c t_c) softmax(s) - t; overwrites `scores` (B, C)."""
    scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)
    totals = np.asarray(targets.sum(1), np.float32).reshape(-1, 1)
    scores *= totals / scores.sum(1, keepdims=True)
    scores[_entries(targets)] -= targets.data
    return scores


def logistic_residual(scores: Scores, targets: sparse.csr_matrix) -> Scores:
    """Return the gradient of -Σ_c t_c ln σ(s_c) + (1 - t_c) ln σ(-s_c): σ(s) - t; overwrites `scores` (B, C)."""
    # σ(s) = (1 + tanh(s / 2)) / 2 cannot overflow.
    scores *= 0.5
    np.tanh(scores, out=scores)
    scores += 1
    scores *= 0.5
    scores[_entries(targets)] -= targets.data
    return scores


def squared_hinge_residual(scores: Scores, targets: sparse.csr_matrix) -> Scores:
    """Return the gradient of Σ_c max(0, 1 - y_c s_c)², y_c = 1 where t_c > 0, else -1; overwrites `scores` (B, C)."""
    entries = _entries(targets)
    right = 2 * np.maximum(1 - scores[entries], 0)
    scores += 1
    np.maximum(scores, 0, out=scores)
    scores *= 2
    scores[entries] = -right
    return scores


RESIDUALS: dict[LinearLoss, Residual] = {
    "softmax": softmax_residual,
    "logistic": logistic_residual,
    "squared_hinge": squared_hinge_residual,
}


def starting_bias(loss: LinearLoss, targets: sparse.csr_matrix) -> NDArray[np.float32]:
    """Return the bias (C,) of a model that knows the frequencies of the classes only."""
    # Half a post is added, so that a class without posts has a logarithm.
    posts = np.asarray(targets.sum(0), np.float64).ravel() + 0.5
    total = targets.shape[0] + 1
    if loss == "softmax":
        bias = np.log(posts / posts.sum())
    elif loss == "logistic":
        bias = np.log(posts / np.maximum(total - posts, 0.5))
    else:
        bias = 2 * np.minimum(posts / total, 1) - 1
    result: NDArray[np.float32] = bias.astype(np.float32)
    return result


def _entries(targets: sparse.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr)), targets.indices
