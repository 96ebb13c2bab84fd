"""How many hashtags to recommend for a post, from the chances of its candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.ranking.calibration import Calibration

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Gauss-Hermite quadrature for a normal with a standard deviation of 1.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_LARGEST = 40.0


def expected_f1(chances: Floats, outside: float, candidates: int | None = None) -> Floats:
    """Return which F1 the first k of each list are expected to have, (N, K), nearly.

    2 · Σ_{i≤k} p_i / (k + Σ p + outside) is the ratio of expectations. The expectation of the ratio is a sum over all
    sets of hashtags that may be true (Jansche 2007, https://aclanthology.org/P07-1093); it chooses nearly the same
    lengths.

    Args:
        chances: (N, K) by rank; NaN for an empty rank.
        outside: how many true hashtags of a post are expected to be none of the candidates.
        candidates: how many of the first count as candidates; by default all K.
    """
    known = np.nan_to_num(chances, nan=0.0)
    total = known[:, :candidates].sum(axis=1, keepdims=True) + outside
    f1 = 2 * np.cumsum(known, axis=1) / (np.arange(1, chances.shape[1] + 1) + total)
    return np.where(np.isnan(chances), -np.inf, f1)


def expected_gain(chances: Floats, outside: float, candidates: int | None = None, spread: float = 1.0) -> Floats:
    """Return what the first k of each list are expected to be worth, (N, K), where hashtags come true together.

    Half of it is the F1 of the list, half the mean of its precision and recall, by which F1 of the means goes. It is
    averaged over a shift of all log-odds of a post, normal with a standard deviation of `spread`, under which its
    chances are nearly kept on average (MacKay 1992, https://doi.org/10.1162/neco.1992.4.5.720).

    Args:
        chances, outside, candidates: see `expected_f1`.
        spread: above 0.
    """
    known = np.nan_to_num(chances, nan=0.0)
    with np.errstate(divide="ignore"):
        log_odds = np.clip(np.log(known) - np.log1p(-known), -_LARGEST, _LARGEST)
    log_odds *= np.sqrt(1 + np.pi / 8 * spread**2)
    lengths, gain = np.arange(1, chances.shape[1] + 1), np.zeros(chances.shape)
    for shift, weight in zip(spread * _NODES, _WEIGHTS, strict=True):
        shifted = 1 / (1 + np.exp(-(log_odds + shift)))
        true = np.maximum(shifted[:, :candidates].sum(axis=1, keepdims=True) + outside, 1)
        found = np.cumsum(shifted, axis=1)
        means = (found / lengths + np.minimum(found / true, 1)) / 2
        gain += weight * (2 * found / (lengths + true) + means) / 2
    return np.where(np.isnan(chances), -np.inf, gain)


@dataclass(frozen=True, slots=True)
class AutoLength:
    """Lists of the lengths that are expected to have the highest F1, or gain where the calibration has a spread.

    Attributes:
        calibration: from scores to chances.
        outside: see `expected_f1`.
        minimum: shortest list, at least 1.
        maximum: longest list; what lies behind the ranks that the chances were calibrated on is not named for its
            chance, which is not known.
    """

    calibration: Calibration
    outside: float
    minimum: int
    maximum: int

    @property
    def depth(self) -> int:
        """How long the ranking has to be that lengths are chosen from."""
        return max(self.calibration.depth, self.minimum)

    @property
    def longest(self) -> int:
        """How many hashtags a list has at most."""
        return max(min(self.maximum, self.calibration.depth), self.minimum)

    def of(self, scores: Floats) -> Ints:
        """Return the length of each list, (N,), the shortest of equals; shorter than `minimum` only where it ends.

        Args:
            scores: (N, K) by rank, `depth` of them if there are as many; NaN for an empty rank.
        """
        if not scores.shape[1]:
            return np.zeros(len(scores), np.int64)
        chances, depth, spread = self.calibration.of(scores), self.calibration.depth, self.calibration.spread
        if spread:
            gain = expected_gain(chances, self.outside, depth, spread)
        else:
            gain = expected_f1(chances, self.outside, depth)
        first = min(self.minimum, gain.shape[1]) - 1
        last = max(min(self.maximum, self.calibration.depth), first + 1)
        lengths = first + 1 + np.argmax(gain[:, first:last], axis=1)
        named: Ints = np.count_nonzero(~np.isnan(scores), axis=1)
        chosen: Ints = np.minimum(lengths, named)
        return chosen
