"""`Linear`: a weighted sum of features, of their logarithms, and of what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_STRETCH = 20.0
_ROWS_AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class Linear:
    """The log-odds as a sum over F features: plain · x + bent · log(1 + 20 max(x, 0)), or `missing` for NaN.

    Attributes:
        bias: added to the sum.
        low: (F,) float64, lower values count as this one: the least seen in training.
        high: (F,) the same for higher values.
        plain: (F,) weight of the value.
        bent: (F,) weight of its logarithm.
        missing: (F,) what a missing value adds.
        mean: (F,) what the feature adds on average, over the training rows.
    """

    bias: float
    low: Floats
    high: Floats
    plain: Floats
    bent: Floats
    missing: Floats
    mean: Floats

    @property
    def base(self) -> float:
        """The mean log-odds of the training rows, from which attributions count."""
        return self.bias + float(np.cumsum(self.mean)[-1])

    def log_odds(self, features: Features) -> Floats:
        """Return the log-odds of n candidates, (n,), from their features, (n, F)."""
        total = np.empty(len(features))
        for start in range(0, len(features), _ROWS_AT_ONCE):
            added = self._added(features[start : start + _ROWS_AT_ONCE])
            # Not a matrix product, whose last bits depend on the number of rows.
            total[start : start + _ROWS_AT_ONCE] = np.cumsum(added, axis=0)[-1] + self.bias
        return total

    def attribution(self, features: Features, sources: Ints, count: int) -> Floats:
        """Return what each source adds to the log-odds over `base`, (n, count); see `Forest.attribution`."""
        total = np.zeros((len(features), count))
        for start in range(0, len(features), _ROWS_AT_ONCE):
            part = total[start : start + _ROWS_AT_ONCE].T
            for source, added in zip(sources, self._added(features[start : start + _ROWS_AT_ONCE]), strict=True):
                part[source] += added
        for source, mean in zip(sources, self.mean, strict=True):
            total[:, source] -= mean
        return total

    def _added(self, features: Features) -> Floats:
        """Return what each feature adds, (F, n)."""
        missing, values = np.isnan(features.T), bounded(features.T, self.low[:, None], self.high[:, None])
        known = self.plain[:, None] * values + self.bent[:, None] * logarithm(values)
        return np.where(missing, self.missing[:, None], known)


def bounded(features: NDArray[np.float32], low: Floats, high: Floats) -> Floats:
    """Return values inside of the bounds, 0 or the nearest bound for missing ones."""
    return np.clip(np.nan_to_num(features.astype(np.float64), nan=0.0), low, high)


def logarithm(values: Floats) -> Floats:
    """Return log(1 + 20 max(x, 0)), which spreads small values."""
    return np.log1p(_STRETCH * np.maximum(values, 0.0))
