"""The configuration of `fasttext`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from multimodal.captions.encoder_system import EncoderSystemConfig, encoder_field
from multimodal.captions.fasttext.network import Loss
from multimodal.config import Range, SearchSpace, Section
from multimodal.encoders.captions.schemas import FastTextEncoderConfig
from multimodal.training.config import TrainingConfig

_NOT_USED = ("encoder_learning_rate", "weight_decay", "clip")


class FastTextTrainingConfig(TrainingConfig):
    """How `fasttext` is trained; settings of AdamW are not used."""

    epochs: int = Field(default=12, ge=1, description="most passes over the train split")
    batch_size: int = Field(default=128, ge=1, description="posts a step, over all processes")
    learning_rate: float = Field(default=0.01, gt=0, description="of sgd: a post's, as fastText has it")
    warmup: float = Field(default=0.0, ge=0, le=1, description="share of steps with rising learning rate")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="constant", description="how the learning rate falls; fastText: linear"
    )
    patience: int = Field(default=2, ge=1, description="epochs without a better validation score before stopping")

    @model_validator(mode="after")
    def _only_what_is_used(self) -> FastTextTrainingConfig:
        for key in _NOT_USED:
            if getattr(self, key) != TrainingConfig.model_fields[key].default:
                raise ValueError(f"{key} is for AdamW and not used by fasttext; leave it out")
        return self


class AutotuneConfig(Section):
    """Random search over a fixed range of settings by validation F1; see `autotune`."""

    trials: int | None = Field(default=None, ge=1, description="settings to try; null: as many as time allows")
    minutes: float | None = Field(default=None, gt=0, description="no trial starts later; both null: no autotune")

    @property
    def wanted(self) -> bool:
        """Whether to search."""
        return self.trials is not None or self.minutes is not None


class FastTextConfig(EncoderSystemConfig):
    """Configuration of `fasttext`."""

    search_space: ClassVar[SearchSpace] = {
        "training.learning_rate": Range(2e-3, 5e-2, log=True),
        "dropout": Range(0.0, 0.5),
    }
    system: Literal["fasttext"] = Field(default="fasttext", description="name of the System")
    encoder: FastTextEncoderConfig = encoder_field("fasttext")
    loss: Loss = Field(default="hierarchical_softmax", description="hierarchical_softmax, softmax, or one_versus_all")
    labels: Literal["random", "all"] = Field(
        default="random", description="of a post with k hashtags, a random one at each update, or all with weight 1/k"
    )
    order: Literal["time", "random"] = Field(
        default="time", description="order of the train posts: oldest first, as prepared; or random in each epoch"
    )
    optimiser: Literal["adam", "sgd"] = Field(
        default="adam", description="adam; or sgd on the sum over a batch, as fastText does"
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="on the caption's vector")
    training: FastTextTrainingConfig = FastTextTrainingConfig()
    autotune: AutotuneConfig = AutotuneConfig()

    @model_validator(mode="after")
    def _one_layer(self) -> FastTextConfig:
        if self.layer_decay != 1:
            raise ValueError("layer_decay is for encoders of several layers and not used by fasttext; leave it out")
        return self
