"""From a score to the chance that the hashtag is true, by isotonic regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import RunError


@dataclass(frozen=True)
class Calibration:
    """A rising line from scores to chances; outside of its scores it is level.

    Attributes:
        scores: rising.
        chances: as many, from 0 to 1, not falling.
        outside: how many true hashtags of a post are on average not among the first `depth`; None where not known.
        depth: how many hashtags of a post were ranked to learn this.
        spread: how much the hashtags of a post come true together, see `expected_gain`; 0: not at all.
    """

    scores: tuple[float, ...]
    chances: tuple[float, ...]
    outside: float | None = None
    depth: int = 10
    spread: float = 0.0

    def of(self, scores: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of each score, the same shape; NaN for NaN."""
        return np.interp(scores, self.scores, self.chances)

    def as_values(self) -> dict[str, Any]:
        """Return it as `model.json` holds it."""
        line = {"scores": list(self.scores), "chances": list(self.chances)}
        further = {"outside": self.outside} if self.outside is not None else {}
        return {**line, "depth": self.depth, **further, **({"spread": self.spread} if self.spread else {})}

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Calibration:
        """Return what `as_values` gave; the types have to be right.

        Raises:
            RunError: it is not a rising line to chances.
        """
        scores, chances = (np.asarray(values.get(name, ()), np.float64) for name in ("scores", "chances"))
        fits = len(scores) == len(chances) > 0 and bool(np.isfinite(scores).all() and np.isfinite(chances).all())
        if not fits or (np.diff(scores) < 0).any() or (np.diff(chances) < 0).any() or chances[0] < 0 or chances[-1] > 1:
            raise RunError("its calibration is not a rising line from scores to probabilities.")
        further = values.get("outside"), values.get("depth", 10), values.get("spread", 0.0)
        return cls(tuple(scores.tolist()), tuple(chances.tolist()), *further)


AS_THEY_ARE = Calibration((0.0, 1.0), (0.0, 1.0))
"""For scores that are chances already."""


def fit_calibration(
    scores: NDArray[np.float64], right: NDArray[np.bool_], posts: NDArray[np.int64] | None = None
) -> Calibration:
    """Return the rising line nearest to what came of scores, (M,) each (Zadrozny & Elkan, 10.1145/775047.775151).

    Args:
        scores: of recommended hashtags.
        right: whether they were true.
        posts: whose they are; then scores that come true as they are stay: those that are nearer to what came of one
            half of the posts than a line fitted on the other.
    """
    if posts is not None and _come_true(scores, right, posts % 2 == 0):
        return AS_THEY_ARE
    return _line(scores, right)


def _come_true(scores: NDArray[np.float64], right: NDArray[np.bool_], first: NDArray[np.bool_]) -> bool:
    """Return whether scores are as near to what came of either half as lines that are fitted on the other half."""
    if not (first.any() and not first.all() and scores.min() >= 0 and scores.max() <= 1):
        return False
    lines = np.empty_like(scores)
    for half in (first, ~first):
        lines[~half] = _line(scores[half], right[half]).of(scores[~half])
    return bool(((scores - right) ** 2).sum() <= ((lines - right) ** 2).sum())


def _line(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, right.astype(np.float64))
    return Calibration(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))
