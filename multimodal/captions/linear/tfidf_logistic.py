"""`tfidf_logistic`: logistic regression on TF-IDF weights of words, the strongest model of the #TagFinder slides."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import BagConfig, BagSystem, WordBags
from multimodal.captions.linear.forms import Form, LogisticForm, RareSets, load_form, make_form
from multimodal.captions.linear.grid import FormModel, GridConfig, LogisticGrid
from multimodal.captions.linear.model import LinearModel
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder


class TfidfConfig(BagConfig):
    """Settings of linear models on TF-IDF weights."""

    smallest_weight: float = Field(default=0.001, ge=0, description="smaller weights are dropped from the model")


class TfidfLogisticConfig(TfidfConfig):
    """Configuration of `tfidf_logistic`."""

    system: Literal["tfidf_logistic"] = Field(default="tfidf_logistic", description="name of the System")
    form: Form = Field(
        default="one_versus_rest", description="label_powerset (the slides), one_versus_rest or softmax_1_over_k"
    )
    minimum_set_count: int = Field(
        default=5, ge=1, description="label_powerset: least train posts with a set of hashtags that is a class"
    )
    rare_sets: RareSets = Field(
        default="spread", description="label_powerset: spread rarer sets over their hashtags, fold into one, or drop"
    )
    grid: GridConfig = GridConfig()


class TfidfSystem(BagSystem):
    """TF-IDF → linear model → scores of hashtags, chosen by a `LogisticGrid` on the validation split."""

    config: TfidfConfig
    model: FormModel

    @abstractmethod
    def grid(self) -> GridConfig:
        """Return the settings to try."""

    @abstractmethod
    def make_form(self, train: LabelledCaptions) -> tuple[LogisticForm, sparse.csr_matrix]:
        """Return the form of the problem, and the classes of the train posts in it, (N, C)."""

    @abstractmethod
    def load_form(self, folder: Path) -> LogisticForm:
        """Return the form of a saved model."""

    def features(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return TF-IDF weights, (B, F)."""
        return self.bags.tfidf(captions)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Fit each setting of the grid and keep the best by F1@5; see `CaptionSystem.learn`."""
        self.bags = WordBags.learn(train.captions, self.config)
        grid = LogisticGrid(self.grid(), self.make_form, self.features, self.prior.scores, self.config.seed)
        best = grid.choose(train, validation, run)
        self.model = FormModel(best.form, best.linear.pruned(self.config.smallest_weight))

    def save_learned(self, folder: Path) -> None:
        """Write words, idf, weights and, for the label powerset, the sets."""
        super().save_learned(folder)
        self.model.linear.save(folder)
        self.model.form.save(folder)

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote."""
        super().load_learned(folder)
        form = self.load_form(folder)
        self.model = FormModel(form, LinearModel.load(folder, len(self.bags), form.classes))


@register_system("tfidf_logistic")
class TfidfLogistic(TfidfSystem):
    """TF-IDF → linear → softmax or sigmoid: scores are probabilities."""

    config_type = TfidfLogisticConfig
    config: TfidfLogisticConfig

    def grid(self) -> GridConfig:
        """Return the grid of the configuration."""
        return self.config.grid

    def make_form(self, train: LabelledCaptions) -> tuple[LogisticForm, sparse.csr_matrix]:
        """Return the form that the configuration names."""
        return make_form(self.config.form, train, self.config.minimum_set_count, self.config.rare_sets)

    def load_form(self, folder: Path) -> LogisticForm:
        """Return the form of a saved model; see `forms.load_form`."""
        return load_form(self.config.form, folder, self.id_map.vocabulary_size)
