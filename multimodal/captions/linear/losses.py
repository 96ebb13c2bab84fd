"""The losses of the linear models: how far each score of each post is off, which is all that learning needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

LinearLoss: TypeAlias = Literal["softmax", "logistic", "squared_hinge"]
Scores: TypeAlias = NDArray[np.float32]
Residual: TypeAlias = Callable[[Scores, sparse.csr_matrix], Scores]


def softmax_residual(scores: Scores, targets: sparse.csr_matrix) -> Scores:
    """Return the gradient of -Σ_c t_c ln softmax(s)_c: (Σ_c t_c) softmax(s) - t; overwrites `scores` (B, C)."""
    scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)
    totals = np.asarray(targets.sum(1), np.float32).reshape(-1, 1)
    scores *= totals / scores.sum(1, keepdims=True)
    scores[_places(targets)] -= targets.data
    return scores


def logistic_residual(scores: Scores, targets: sparse.csr_matrix) -> Scores:
    """Return the gradient of -Σ_c t_c ln σ(s_c) + (1 - t_c) ln σ(-s_c): σ(s) - t; overwrites `scores` (B, C)."""
    # σ(s) = (1 + tanh(s / 2)) / 2 cannot overflow.
    scores *= 0.5
    np.tanh(scores, out=scores)
    scores += 1
    scores *= 0.5
    scores[_places(targets)] -= targets.data
    return scores


def squared_hinge_residual(scores: Scores, targets: sparse.csr_matrix) -> Scores:
    """Return the gradient of Σ_c max(0, 1 - y_c s_c)², y_c = 1 where t_c > 0, else -1; overwrites `scores` (B, C)."""
    places = _places(targets)
    right = 2 * np.maximum(1 - scores[places], 0)
    scores += 1
    np.maximum(scores, 0, out=scores)
    scores *= 2
    scores[places] = -right
    return scores


RESIDUALS: dict[LinearLoss, Residual] = {
    "softmax": softmax_residual,
    "logistic": logistic_residual,
    "squared_hinge": squared_hinge_residual,
}


def starting_bias(loss: LinearLoss, targets: sparse.csr_matrix) -> NDArray[np.float32]:
    """Return the bias (C,) of a model that knows how common the classes are and nothing else."""
    # Half a post is added, so that a class without any has a logarithm.
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


def _places(targets: sparse.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr)), targets.indices
