"""`tfidf_logistic`: logistic regression on TF-IDF weights of words, the strongest model of the #TagFinder slides."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.forms import Form, LogisticForm, RareSets, load_form, make_form
from multimodal.captions.linear.grid import GridConfig
from multimodal.captions.linear.tfidf_system import TfidfConfig, TfidfSystem
from multimodal.systems.registry import register_system


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


@register_system("tfidf_logistic")
class TfidfLogistic(TfidfSystem):
    """TF-IDF → linear → softmax or sigmoid: scores are probabilities."""

    config_type = TfidfLogisticConfig
    scores_are_chances = True
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
