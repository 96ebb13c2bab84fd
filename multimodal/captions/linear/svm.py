"""`svm`: a linear support vector machine per hashtag on TF-IDF weights, a baseline of the SA-LSTM article."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import PositiveFloats, PositiveInts
from multimodal.captions.linear.forms import LogisticForm, binary_targets, margins
from multimodal.captions.linear.grid import GridConfig
from multimodal.captions.linear.tfidf_system import TfidfConfig, TfidfSystem
from multimodal.systems.registry import register_system

_GRID = ("strengths", "iterations", "learning_rate", "batch_size", "tuning_posts")


class SvmConfig(TfidfConfig):
    """Configuration of `svm`."""

    system: Literal["svm"] = Field(default="svm", description="name of the System")
    strengths: PositiveFloats = Field(
        default=(1.0,), min_length=1, description="values of C of scikit-learn's LinearSVC to try: loss over penalty"
    )
    iterations: PositiveInts = Field(default=(1, 2, 3), min_length=1, description="passes over the train posts")
    learning_rate: float = Field(default=0.2, gt=0, description="of AdaGrad")
    batch_size: int = Field(default=1_024, ge=1, description="posts per step")
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")


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
        return margins(train.vocabulary_size), binary_targets(train)

    def load_form(self, folder: Path) -> LogisticForm:
        """Return margins of the vocabulary."""
        return margins(self.id_map.vocabulary_size)
