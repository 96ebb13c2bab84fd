"""`svm`: a linear support vector machine per hashtag on TF-IDF weights, a baseline of the SA-LSTM article."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.forms import LogisticForm, make_form
from multimodal.captions.linear.grid import GridConfig, all_positive
from multimodal.captions.linear.tfidf_logistic import TfidfConfig, TfidfSystem
from multimodal.systems.registry import register_system

_GRID = ("strengths", "iterations", "learning_rate", "batch_size", "tuning_posts")


class SvmConfig(TfidfConfig):
    """Configuration of `svm`."""

    system: Literal["svm"] = Field(default="svm", description="name of the System")
    strengths: tuple[float, ...] = Field(
        default=(1.0,), min_length=1, description="values of C of scikit-learn's LinearSVC to try: loss over penalty"
    )
    iterations: tuple[int, ...] = Field(default=(1, 2, 3), min_length=1, description="passes over the train posts")
    learning_rate: float = Field(default=0.2, gt=0, description="of AdaGrad")
    batch_size: int = Field(default=1_024, ge=1, description="posts per step")
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("strengths", "iterations")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return all_positive(values)


class Margins(LogisticForm):
    """One machine per hashtag; the margins of all are compared as they are."""

    loss = "squared_hinge"

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the margins."""
        return scores


@register_system("svm")
class Svm(TfidfSystem):
    """TF-IDF → w_h x + b_h, minimising C Σ max(0, 1 - y s)² + |w|² / 2 for each hashtag, as LinearSVC does.

    The score is the margin, not a probability; only its order matters.
    """

    config_type = SvmConfig
    config: SvmConfig

    def grid(self) -> GridConfig:
        """Return the grid of the configuration."""
        return GridConfig(**{key: getattr(self.config, key) for key in _GRID})

    def make_form(self, train: LabelledCaptions) -> tuple[LogisticForm, sparse.csr_matrix]:
        """Return margins, and the hashtags of the train posts."""
        form, targets = make_form("one_versus_rest", train, 1, "spread")
        return Margins(form.classes), targets

    def load_form(self, folder: Path) -> LogisticForm:
        """Return margins of the vocabulary."""
        return Margins(self.id_map.vocabulary_size)
