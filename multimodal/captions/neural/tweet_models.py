"""`lstm`, `text_resnet` and `cnn_attention`: the neural networks published for tweets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.captions.encoder_system import encoder_field
from multimodal.captions.neural.config import CaptionLoss, NeuralCaptionConfig
from multimodal.captions.neural.system import NeuralCaptionSystem
from multimodal.encoders import CaptionEncoderConfig
from multimodal.systems.registry import register_system


class LstmConfig(NeuralCaptionConfig):
    """Configuration of `lstm`."""

    system: Literal["lstm"] = Field(default="lstm", description="name of the System")
    encoder: CaptionEncoderConfig = encoder_field("lstm")


class TextResNetConfig(NeuralCaptionConfig):
    """Configuration of `text_resnet`."""

    system: Literal["text_resnet"] = Field(default="text_resnet", description="name of the System")
    encoder: CaptionEncoderConfig = encoder_field("text_resnet")


class CnnAttentionConfig(NeuralCaptionConfig):
    """Configuration of `cnn_attention`."""

    system: Literal["cnn_attention"] = Field(default="cnn_attention", description="name of the System")
    encoder: CaptionEncoderConfig = encoder_field("cnn_attention")
    loss: CaptionLoss = Field(
        default="softmax_1_over_k",
        description="bce; idf_bce: positives weighted by ln(N / n); or softmax with targets 1/k",
    )
    hidden: int | None = Field(
        default=100, ge=1, description="width of the tanh layer that merges the channels; null: none"
    )


@register_system("lstm")
class Lstm(NeuralCaptionSystem):
    """Word vectors → LSTM → last state → linear → sigmoid, idf-weighted cross-entropy (#TagFinder slides)."""

    config_type = LstmConfig


@register_system("text_resnet")
class TextResNet(NeuralCaptionSystem):
    """Word vectors → residual network along words → mean over regions → dropout → linear → sigmoid (#TagFinder slides).

    Trained with idf-weighted cross-entropy.
    """

    config_type = TextResNetConfig


@register_system("cnn_attention")
class CnnAttention(NeuralCaptionSystem):
    """Word vectors → global and local channel → tanh layer → dropout → linear → softmax (Gong & Zhang)."""

    config_type = CnnAttentionConfig
