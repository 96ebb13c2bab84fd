"""`GridConfig`: the settings of linear models to choose from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from multimodal.captions.linear.bags import PositiveFloats, PositiveInts
from multimodal.config import Section

Penalty = Literal["none", "l2"]
# Penalty and its C, which is infinite without a penalty.
Setting = tuple[Penalty, float]


class GridConfig(Section):
    """The grid. That of the slides: both penalties, C 0.1, 1, 10, iterations 50, 100, two folds."""

    solver: Literal["stochastic", "lbfgs"] = Field(
        default="stochastic", description="AdaGrad on batches (fast), or scikit-learn's L-BFGS (few hashtags only)"
    )
    penalties: tuple[Penalty, ...] = Field(default=("l2",), min_length=1, description="l2, none")
    strengths: PositiveFloats = Field(
        default=(10.0,), min_length=1, description="C of scikit-learn, for the penalty l2: loss over penalty"
    )
    iterations: PositiveInts = Field(
        default=(2, 3, 4), min_length=1, description="passes over the train posts; for L-BFGS its most iterations"
    )
    learning_rate: float = Field(default=2.0, gt=0, description="stochastic: of AdaGrad")
    batch_size: int = Field(default=1_024, ge=1, description="stochastic: posts per step")
    folds: int = Field(
        default=0, ge=0, le=20, description="folds of the train split to cross-validate on; 0: use the validation split"
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("folds")
    @classmethod
    def _not_one_fold(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("one fold would learn from nothing; give 0 (the validation split) or at least 2")
        return folds

    def settings(self) -> list[Setting]:
        """Return the pairs of penalty and strength, without repeats."""
        pairs: list[Setting] = [("none", float("inf"))]
        pairs += [("l2", strength) for strength in self.strengths]
        return list(dict.fromkeys(pair for penalty in self.penalties for pair in pairs if pair[0] == penalty))
