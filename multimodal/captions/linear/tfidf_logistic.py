"""`tfidf_logistic`: logistic regression on TF-IDF weights of words, the strongest model of the #TagFinder slides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.captions.linear.forms import Form, LogisticForm, load_form, make_form
from multimodal.captions.linear.grid import GridConfig, LogisticGrid
from multimodal.captions.linear.label_sets import RareSets
from multimodal.captions.linear.model import LinearModel
from multimodal.captions.system import CaptionSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder


class TfidfLogisticConfig(BagConfig):
    """Configuration of `tfidf_logistic`."""

    system: Literal["tfidf_logistic"] = Field(default="tfidf_logistic", description="name of the System")
    form: Form = Field(
        default="one_versus_rest", description="label_powerset (the slides), one_versus_rest or softmax_1_over_k"
    )
    minimum_set_count: int = Field(
        default=5, ge=1, description="label_powerset: a set of hashtags is a class when as many train posts carry it"
    )
    rare_sets: RareSets = Field(
        default="spread", description="label_powerset: spread rarer sets over their hashtags, fold into one, or drop"
    )
    smallest_weight: float = Field(default=0.001, ge=0, description="smaller weights are left out of the model")
    grid: GridConfig = GridConfig()


@register_system("tfidf_logistic")
class TfidfLogistic(CaptionSystem):
    """TF-IDF → linear → softmax or sigmoid; settings are tried out on the validation split, see `LogisticGrid`."""

    config_type = TfidfLogisticConfig
    config: TfidfLogisticConfig
    bags: WordBags
    form: LogisticForm
    model: LinearModel

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Fit each setting of the grid and keep the best; see `CaptionSystem.learn`."""
        config = self.config
        self.bags = WordBags.learn(train.captions, config)
        grid = LogisticGrid(
            config.grid,
            lambda posts: make_form(config.form, posts, config.minimum_set_count, config.rare_sets),
            self.bags.tfidf,
            self._prior_scores,
            config.seed,
        )
        self.form, best = grid.choose(train, validation, run)
        self.model = best.pruned(config.smallest_weight)

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold a known word."""
        return self.bags.known(captions)

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities, see the form."""
        return self.form.probabilities(self.model.scores(self.bags.tfidf(captions)))

    def save_learned(self, folder: Path) -> None:
        """Write words, idf, weights and, for the label powerset, the sets."""
        self.bags.save(folder)
        self.model.save(folder)
        self.form.save(folder)

    def load_learned(self, folder: Path) -> None:
        """Read what `save_learned` wrote."""
        self.bags = WordBags.load(folder)
        self.form = load_form(self.config.form, folder, self.id_map.vocabulary_size)
        self.model = LinearModel.load(folder, len(self.bags), self.form.classes)
