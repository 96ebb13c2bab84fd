"""The same linear models fitted by scikit-learn: exact but slow, for few classes and as a reference."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.captions.linear.model import LinearModel
from multimodal.distributed.progress import shared_progress

# Score of a class without posts; its exponential is negligible.
_NEVER = -100.0


def fit_softmax(
    features: sparse.csr_matrix, targets: sparse.csr_matrix, strength: float, iterations: int
) -> LinearModel:
    """Minimise C Σ_n -Σ_c t_nc ln p_nc + |W|² / 2 by L-BFGS.

    scikit-learn has no soft targets; a post repeated once for each of its classes with weight t gives the same sum.

    Args:
        features: (N, F).
        targets: (N, C), positive.
        strength: C, infinite for no penalty.
        iterations: of the solver, at most.
    """
    posts = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
    classes, labels = np.unique(targets.indices, return_inverse=True)
    weights = np.zeros((targets.shape[1], features.shape[1]), np.float32)
    bias = np.full(targets.shape[1], _NEVER, np.float32)
    if len(classes) == 1:
        bias[classes] = 0
        return LinearModel(sparse.csr_matrix(weights.T), bias)
    model = _logistic(strength, iterations)
    with warnings.catch_warnings():
        _expect_no_convergence()
        # In single precision the solver stops a thousandth before the optimum.
        model.fit(features[posts].astype(np.float64), labels, sample_weight=targets.data)
    if len(classes) == 2:
        # For two classes scikit-learn has one row: the score of the second relative to the first.
        weights[classes[1]], bias[classes] = model.coef_[0], [0, model.intercept_[0]]
    else:
        weights[classes], bias[classes] = model.coef_, model.intercept_
    return LinearModel(sparse.csr_matrix(weights.T), bias)


def fit_one_versus_rest(
    features: sparse.csr_matrix, targets: sparse.csr_matrix, strength: float, iterations: int
) -> LinearModel:
    """Minimise C Σ_n -ln σ(±s_n) + |w|² / 2 for each class by L-BFGS; arguments as `fit_softmax`, targets binary."""
    columns, features = targets.tocsc(), features.astype(np.float64)
    weights: list[sparse.csr_matrix] = []
    bias: NDArray[np.float32] = np.full(targets.shape[1], _NEVER, np.float32)
    with shared_progress("fitting", targets.shape[1], "classes") as advance, warnings.catch_warnings():
        _expect_no_convergence()
        for number in range(targets.shape[1]):
            truth = columns[:, [number]].toarray().ravel() > 0
            row = sparse.csr_matrix((1, features.shape[1]), dtype=np.float32)
            if truth.all():
                bias[number] = -_NEVER
            elif truth.any():
                model = _logistic(strength, iterations).fit(features, truth)
                row, bias[number] = sparse.csr_matrix(model.coef_.astype(np.float32)), model.intercept_[0]
            weights.append(row)
            advance(1)
    return LinearModel(sparse.vstack(weights).T.tocsr(), bias)


def _logistic(strength: float, iterations: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=iterations)


def _expect_no_convergence() -> None:
    from sklearn.exceptions import ConvergenceWarning

    # The number of iterations is a setting to choose from, so stopping early is expected.
    warnings.simplefilter("ignore", ConvergenceWarning)
