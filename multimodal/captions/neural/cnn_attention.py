"""`cnn_attention`: the attention-based convolutional network of Gong & Zhang."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.captions.neural.system import NeuralCaptionConfig, NeuralCaptionSystem
from multimodal.encoders import CaptionEncoderConfig
from multimodal.systems.registry import register_system


class CnnAttentionConfig(NeuralCaptionConfig):
    """Configuration of `cnn_attention`."""

    encoder_name = "cnn_attention"

    system: Literal["cnn_attention"] = Field(default="cnn_attention", description="name of the System")
    encoder: CaptionEncoderConfig = Field(
        default=CaptionEncoderConfig(name="cnn_attention"), description="see `encoder.caption` of DESIGN"
    )
    loss: Literal["idf_bce", "bce", "softmax_1_over_k"] = Field(
        default="softmax_1_over_k",
        description="bce; idf_bce: presence weighed by ln(N / n); or softmax with targets 1/k",
    )
    hidden: int | None = Field(
        default=100, ge=1, description="width of the tanh layer that merges the channels; null: none"
    )


@register_system("cnn_attention")
class CnnAttention(NeuralCaptionSystem):
    """Word vectors → global and local channel → tanh layer that merges them → dropout → linear → softmax."""

    config_type = CnnAttentionConfig
