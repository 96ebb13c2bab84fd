"""Logistic regression of the features, fitted by scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.linear import Linear, bounded, logarithm
from multimodal.hybrid.ranker.rows import RankerRows, thinned

Floats = NDArray[np.float64]
_MOST_STEPS = 1_000
# More candidates than this would not fit into memory three times over, and weights do not need them.
_MOST_ROWS, _NEGATIVES = 300_000, 20


def fit_linear(rows: RankerRows, config: RankerConfig) -> Linear:
    """Fit weights of each feature, of its logarithm, and of its absence, all standardised."""
    if len(rows) > _MOST_ROWS:
        rows = thinned(rows, _NEGATIVES)
    low, high = _bounds(rows.features)
    width = len(low)
    missing = np.isnan(rows.features)
    values = bounded(rows.features, low, high)
    inputs = np.concatenate([np.where(missing, 0.0, values), np.where(missing, 0.0, logarithm(values)), missing], 1)
    centre, spread = inputs.mean(0), inputs.std(0)
    spread[spread < 1e-12] = 1.0
    weights, bias = logistic_regression((inputs - centre) / spread, rows, config.linear_l2)
    weights = weights / spread
    plain, bent, absent = weights[:width], weights[width : 2 * width], weights[2 * width :]
    mean = (inputs * weights).mean(0).reshape(3, width).sum(0)
    return Linear(float(bias - centre @ weights), low, high, plain, bent, absent, mean)


def logistic_regression(inputs: Floats, rows: RankerRows, l2: float) -> tuple[Floats, float]:
    """Return weights and bias of logistic regression on inputs, (n, D), with the weights of the rows.

    Args:
        l2: penalty, half of the sum of squared weights times this.
    """
    from sklearn.linear_model import LogisticRegression

    if rows.labels.all() or not rows.labels.any():
        raise ValueError("a ranker needs candidates that are right and candidates that are not")
    model = LogisticRegression(C=1 / l2, max_iter=_MOST_STEPS).fit(inputs, rows.labels, rows.weights)
    return model.coef_[0].astype(np.float64), float(model.intercept_[0])


def _bounds(features: NDArray[np.float32]) -> tuple[Floats, Floats]:
    seen = ~np.isnan(features)
    low = np.where(seen, features, np.inf).min(0, initial=np.inf)
    high = np.where(seen, features, -np.inf).max(0, initial=-np.inf)
    never = low > high
    return np.where(never, 0.0, low).astype(np.float64), np.where(never, 0.0, high).astype(np.float64)
