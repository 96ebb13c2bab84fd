"""`bert`: a pretrained text encoder, fine-tuned to name hashtags."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from multimodal.captions.neural.system import NeuralCaptionConfig, NeuralCaptionSystem
from multimodal.encoders import CaptionEncoderConfig
from multimodal.systems.registry import register_system


class BertConfig(NeuralCaptionConfig):
    """Configuration of `bert`."""

    encoder_name = "transformer"

    system: Literal["bert"] = Field(default="bert", description="name of the System")
    encoder: CaptionEncoderConfig = Field(
        default=CaptionEncoderConfig(name="transformer", trainable="all"),
        description="see `encoder.caption` of DESIGN; trainable: all, unless it says otherwise",
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="on what the output layer sees")

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
    """Multilingual BERT, or any other text encoder → mean over tokens → dropout → linear → sigmoid; all is trained.

    The slides of the #TagFinder group name a multilabel BERT with idf-weighted cross-entropy and leave its size, rates
    and pooling open. Here the learning rate rises, then falls in a line, and is lower by `layer_decay` from each layer
    to the one below it (Howard & Ruder 2018, arXiv:1801.06146).
    """

    config_type = BertConfig
