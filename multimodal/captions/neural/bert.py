"""`bert`: a pretrained text encoder, fine-tuned to predict hashtags."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from multimodal.captions.encoder_system import encoder_field
from multimodal.captions.neural.config import NeuralCaptionConfig
from multimodal.captions.neural.system import NeuralCaptionSystem
from multimodal.config import Range, SearchSpace
from multimodal.encoders import CaptionEncoderConfig
from multimodal.systems.registry import register_system


class BertConfig(NeuralCaptionConfig):
    """Configuration of `bert`."""

    search_space: ClassVar[SearchSpace] = {
        "training.encoder_learning_rate": Range(1e-5, 1e-4, log=True),
        "dropout": Range(0.0, 0.3),
    }
    system: Literal["bert"] = Field(default="bert", description="name of the System")
    encoder: CaptionEncoderConfig = encoder_field("transformer", trainable="all")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="on the input of the output layer")

    @field_validator("encoder", mode="before")
    @classmethod
    def _fine_tuned(cls, values: Any) -> Any:
        if isinstance(values, CaptionEncoderConfig):
            values = values.model_dump(exclude_unset=True)
        if not isinstance(values, dict) or values.get("trainable") is not None:
            return values
        return {**values, "trainable": "all"}


@register_system("bert")
class Bert(NeuralCaptionSystem):
    """Multilingual BERT or another text encoder → mean over tokens → dropout → linear → sigmoid, all of it trained.

    The #TagFinder slides describe a multilabel BERT with idf-weighted cross-entropy, but not its size, learning rates
    and pooling. Here the learning rate rises, then falls linearly, and is lower by `layer_decay` from each layer to the
    one below (Howard & Ruder 2018, arXiv:1801.06146).
    """

    config_type = BertConfig
