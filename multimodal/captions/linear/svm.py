"""`svm`: a linear support vector machine per hashtag on TF-IDF weights, a baseline of the SA-LSTM article."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.captions.linear.forms import LogisticForm, make_form
from multimodal.captions.linear.grid import GridConfig, LogisticGrid, all_positive
from multimodal.captions.linear.model import LinearModel
from multimodal.captions.system import CaptionSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder


class SvmConfig(BagConfig):
    """Configuration of `svm`."""

    system: Literal["svm"] = Field(default="svm", description="name of the System")
    strengths: tuple[float, ...] = Field(
        default=(1.0,), min_length=1, description="C of scikit-learn's LinearSVC to try: loss over penalty"
    )
    iterations: tuple[int, ...] = Field(default=(1, 2, 3), min_length=1, description="passes over the train posts")
    learning_rate: float = Field(default=0.2, gt=0, description="of AdaGrad")
    batch_size: int = Field(default=1_024, ge=1, description="posts a step")
    smallest_weight: float = Field(default=0.001, ge=0, description="smaller weights are left out of the model")
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("strengths", "iterations")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return all_positive(values)

    def grid(self) -> GridConfig:
        """Return what is tried out."""
        return GridConfig(
            strengths=self.strengths,
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            tuning_posts=self.tuning_posts,
        )


class Margins(LogisticForm):
    """One machine per hashtag; margins of all are compared as they are."""

    loss = "squared_hinge"

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the margins."""
        return scores


@register_system("svm")
class Svm(CaptionSystem):
    """TF-IDF → w_h x + b_h: C Σ max(0, 1 - y s)² + |w|² / 2 is minimised for each hashtag, as LinearSVC does.

    The score is the margin, not a probability; its order is what counts.
    """

    config_type = SvmConfig
    config: SvmConfig
    bags: WordBags
    model: LinearModel

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Fit each strength and keep the best by F1@5 on the validation split; see `CaptionSystem.learn`."""
        self.bags = WordBags.learn(train.captions, self.config)
        grid = LogisticGrid(self.config.grid(), _margins, self.bags.tfidf, self._prior_scores, self.config.seed)
        _, best = grid.choose(train, validation, run)
        self.model = best.pruned(self.config.smallest_weight)

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold a known word."""
        return self.bags.known(captions)

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return margins, (B, V)."""
        return self.model.scores(self.bags.tfidf(captions))

    def save_learned(self, folder: Path) -> None:
        """Write words, idf and weights."""
        self.bags.save(folder)
        self.model.save(folder)

    def load_learned(self, folder: Path) -> None:
        """Read what `save_learned` wrote."""
        self.bags = WordBags.load(folder)
        self.model = LinearModel.load(folder, len(self.bags), self.id_map.vocabulary_size)


def _margins(train: LabelledCaptions) -> tuple[LogisticForm, sparse.csr_matrix]:
    form, targets = make_form("one_versus_rest", train, 1, "spread")
    return Margins(form.classes), targets
