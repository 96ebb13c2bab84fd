"""How much a user follows each source, learned from feedback: an offset per source on log-odds, in closed form.

With the effects x of S sources on the log-odds z of a hashtag, those for this user are z + xᵀθ. From θ ~ N(0, σ² I) and
the hashtags that the user accepted (y = 1) or rejected (y = 0), one step of Newton from θ = 0 gives
θ = (Xᵀ W X + I / σ²)⁻¹ Xᵀ (y - p), W = p (1 - p): the maximum of the Laplace approximation (Bishop 2006, 4.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.user_notes import Feedback

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OffsetSettings:
    """How far offsets may go.

    Attributes:
        spread: σ, above 0; the smaller, the more feedback it takes.
        bound: the largest |θ|, above 0. At 1 a source counts at most twice, and at least not at all.
        last: how many of the last feedbacks are read.
    """

    spread: float = 0.1
    bound: float = 1.0
    last: int = 200


def source_offsets(
    feedback: Sequence[Feedback], sources: Sequence[str], before_us: int, settings: OffsetSettings | None = None
) -> Floats:
    """Return θ of each source, (S,), zeros without feedback that says what brought its hashtags.

    Args:
        feedback: of one user; only what counts from before an instant is read.
        sources: S names.
        before_us: that instant.
        settings: None for the default ones.
    """
    settings = settings or OffsetSettings()
    earlier = [one for one in feedback if one.instant_us < before_us and one.effects][-settings.last :]
    rows = [row for one in earlier for row in _judged(one, sources)]
    if not rows:
        return np.zeros(len(sources))
    effects, chances, truth = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    weights = chances * (1.0 - chances)
    precision = effects.T @ (weights[:, None] * effects) + np.eye(len(sources)) / settings.spread**2
    step = np.linalg.solve(precision, effects.T @ (truth - chances)).astype(np.float64)
    return np.clip(step, -settings.bound, settings.bound)


def _judged(feedback: Feedback, sources: Sequence[str]) -> list[tuple[list[float], float, float]]:
    """Return effects, chance and truth of each hashtag that was accepted or rejected."""
    judged = {**dict.fromkeys(feedback.rejected, 0.0), **dict.fromkeys(feedback.accepted, 1.0)}
    return [
        (_row(feedback.effects[hashtag], sources), feedback.chances[hashtag], truth)
        for hashtag, truth in judged.items()
        if hashtag in feedback.effects and hashtag in feedback.chances
    ]


def _row(effects: Mapping[str, float], sources: Sequence[str]) -> list[float]:
    return [effects.get(source, 0.0) for source in sources]
