"""How many hashtags to recommend for a post, from the chances of its candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.ranking.calibration import Calibration

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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


@dataclass(frozen=True, slots=True)
class AutoLength:
    """Lists of the lengths that are expected to have the highest F1.

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

    def of(self, scores: Floats) -> Ints:
        """Return the length of each list, (N,), the shortest of equals; shorter than `minimum` only where it ends.

        Args:
            scores: (N, K) by rank, `depth` of them if there are as many; NaN for an empty rank.
        """
        if not scores.shape[1]:
            return np.zeros(len(scores), np.int64)
        f1 = expected_f1(self.calibration.of(scores), self.outside, self.calibration.depth)
        first = min(self.minimum, f1.shape[1]) - 1
        last = max(min(self.maximum, self.calibration.depth), first + 1)
        lengths = first + 1 + np.argmax(f1[:, first:last], axis=1)
        named: Ints = np.count_nonzero(~np.isnan(scores), axis=1)
        chosen: Ints = np.minimum(lengths, named)
        return chosen
