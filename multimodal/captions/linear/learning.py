"""Learning the weights of a `LinearModel` from sparse features: AdaGrad over batches, sparse from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.captions.linear.losses import RESIDUALS, LinearLoss, starting_bias
from multimodal.captions.linear.model import LinearModel
from multimodal.distributed.progress import shared_progress

# What a weight's squared gradients start from: a rare word's first steps follow the size of its gradient.
_FIRST_SQUARE = 0.1


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """How a linear model learns.

    Attributes:
        loss: on the scores of a post.
        strength: C of scikit-learn: C Σ loss + |W|² / 2 is minimised; infinite for no penalty. The bias has none.
        learning_rate: of AdaGrad.
        batch_size: posts a step.
        seed: of the order of the posts.
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

    Only words and classes that share a train post have a weight (AdaGrad, Duchi, Hazan & Singer 2011): with thousands
    of hashtags these are some pairs in a hundred, and a score falls all the same when others rise or by the bias.

    Args:
        features: (N, F).
        targets: (N, C), positive; for the softmax their sum is the weight of a post.
        settings: how.
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
                learner.step(features[rows], targets[rows])
                advance(len(rows))
            yield LinearModel(learner.weights, learner.bias)


class _Learner:
    def __init__(self, features: sparse.csr_matrix, targets: sparse.csr_matrix, settings: LinearSettings) -> None:
        self._residual, self._rate = RESIDUALS[settings.loss], settings.learning_rate
        self.weights = _common_pairs(features, targets)
        self.bias = starting_bias(settings.loss, targets)
        self._squares = np.full(self.weights.nnz, _FIRST_SQUARE, np.float32)
        self._bias_squares = np.full(len(self.bias), _FIRST_SQUARE, np.float32)
        self._decay = _decay_per_step(features, settings)

    def step(self, features: sparse.csr_matrix, targets: sparse.csr_matrix) -> None:
        """Move the weights of the words that a batch holds."""
        words, columns = np.unique(features.indices, return_inverse=True)
        shape = (features.shape[0], len(words))
        local = sparse.csr_matrix((features.data, columns.astype(np.int32), features.indptr), shape)
        weights = self.weights[words]
        # Few words are in a batch: their weights are made dense, the gradient is read where a weight is.
        residual = self._residual(local @ weights.toarray() + self.bias, targets)
        lengths = np.diff(weights.indptr)
        rows = np.repeat(np.arange(len(words)), lengths)
        gradient = (local.T @ residual)[rows, weights.indices] + self._decay[words][rows] * weights.data
        places = np.arange(weights.nnz) + np.repeat(self.weights.indptr[words] - weights.indptr[:-1], lengths)
        squares = self._squares[places] + gradient**2
        self._squares[places] = squares
        self.weights.data[places] -= self._rate * gradient / np.sqrt(squares)
        slope = residual.sum(0)
        self._bias_squares += slope**2
        self.bias -= self._rate * slope / np.sqrt(self._bias_squares)


def _common_pairs(features: sparse.csr_matrix, targets: sparse.csr_matrix) -> sparse.csr_matrix:
    pairs = sparse.csr_matrix(features.T @ targets, dtype=np.float32)
    pairs.sort_indices()
    pairs.data[:] = 0
    return pairs


def _decay_per_step(features: sparse.csr_matrix, settings: LinearSettings) -> NDArray[np.float32]:
    # A pass holds every post once, so the penalty comes once a pass too; a step moves only the words of its batch,
    # so each word's share of the penalty is divided among the steps that are expected to hold it.
    posts, words = features.shape
    steps = -(-posts // settings.batch_size)
    share = np.bincount(features.indices, minlength=words) / posts
    expected = steps * (1 - (1 - share) ** min(settings.batch_size, posts))
    decay: NDArray[np.float32] = (1 / settings.strength / np.maximum(expected, 1e-9)).astype(np.float32)
    return decay
