"""`lstm`: the recurrent network of the #TagFinder slides."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.captions.neural.system import NeuralCaptionConfig, NeuralCaptionSystem
from multimodal.encoders import CaptionEncoderConfig
from multimodal.systems.registry import register_system


class LstmConfig(NeuralCaptionConfig):
    """Configuration of `lstm`."""

    encoder_name = "lstm"

    system: Literal["lstm"] = Field(default="lstm", description="name of the System")
    encoder: CaptionEncoderConfig = Field(
        default=CaptionEncoderConfig(name="lstm"), description="see `encoder.caption` of DESIGN"
    )


@register_system("lstm")
class Lstm(NeuralCaptionSystem):
    """Word vectors → LSTM → last state → linear → sigmoid, idf-weighted cross-entropy."""

    config_type = LstmConfig
