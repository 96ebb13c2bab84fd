"""Configuration of `bert_fill_mask`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from multimodal.captions.system import CaptionSystemConfig
from multimodal.config import Range, SearchSpace, Section
from multimodal.encoders.captions.masked_language_model import MaskedModelConfig
from multimodal.training.config import TrainingConfig


class HashtagRecencyConfig(Section):
    """How recent use by anybody weights hashtags: P(hashtag | mask) · lift ** weight, see `recency_lift`."""

    weights: tuple[float, ...] = Field(
        default=(0.0, 0.5, 1.0, 1.5, 2.0), min_length=1, description="exponents to choose from, 0 to 3; [0] is off"
    )
    half_lives_days: tuple[float, ...] = Field(
        default=(1.0, 7.0, 30.0), min_length=1, description="half-lives of a use to choose from, above 0"
    )
    smoothing: float = Field(default=1.0, gt=0, description="pseudo-uses that pull the lift of a rare hashtag to 1")
    live_days: float | None = Field(
        default=None,
        gt=0,
        description="recommend only hashtags used in so many days before the post; null: all that have a token",
    )
    tuning_posts: int = Field(default=20_000, ge=1, description="validation posts used to choose, evenly spaced")

    @model_validator(mode="after")
    def _in_range(self) -> HashtagRecencyConfig:
        if not all(0 <= weight <= 3 for weight in self.weights):
            raise ValueError(f"weights={list(self.weights)}: each must be from 0 to 3")
        if not all(0 < days <= 36_500 for days in self.half_lives_days):
            raise ValueError(f"half_lives_days={list(self.half_lives_days)}: each must be above 0, at most 36500")
        return self

    def grid(self) -> list[tuple[float, float]]:
        """Return the pairs (half-life, exponent) to choose from; the half-life of the exponent 0 does not matter."""
        off = [(self.half_lives_days[0], 0.0)] if 0 in self.weights else []
        return off + [(days, weight) for days in self.half_lives_days for weight in self.weights if weight]


class BertFillMaskConfig(CaptionSystemConfig):
    """Configuration of `bert_fill_mask`."""

    search_space: ClassVar[SearchSpace] = {"training.learning_rate": Range(1e-4, 3e-3, log=True)}
    system: Literal["bert_fill_mask"] = Field(default="bert_fill_mask", description="name of the System")
    encoder: MaskedModelConfig = MaskedModelConfig()
    live_tags: int = Field(default=1_000, ge=1, description="hashtags with a token: the most frequent of train")
    maximum_hashtags: int = Field(default=8, ge=1, description="most hashtags in a sentence, including masks")
    masks: Literal["one", "all"] = Field(
        default="one",
        description="one: a sentence ends with one mask; all: with a mask for each hashtag not shown",
    )
    loss: Literal["live_tags", "vocabulary"] = Field(
        default="live_tags", description="softmax over the hashtag tokens, or over all tokens"
    )
    filling: Literal["one_mask", "iterative"] = Field(
        default="one_mask", description="all hashtags from one mask, or each one given those before it in the sentence"
    )
    questions: int = Field(
        default=5, ge=1, description="iterative: masks filled one after another; the last one ranks the rest"
    )
    recency: HashtagRecencyConfig = HashtagRecencyConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _questions_fit_the_sentence(self) -> BertFillMaskConfig:
        if self.filling == "iterative" and self.questions > self.maximum_hashtags:
            raise ValueError(
                f"questions={self.questions}: a sentence has at most {self.maximum_hashtags} hashtags "
                "(maximum_hashtags), including the mask"
            )
        return self
