"""`text_resnet`: the residual network along words of the #TagFinder slides."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.captions.neural.system import NeuralCaptionConfig, NeuralCaptionSystem
from multimodal.encoders import CaptionEncoderConfig
from multimodal.systems.registry import register_system


class TextResNetConfig(NeuralCaptionConfig):
    """Configuration of `text_resnet`."""

    encoder_name = "text_resnet"

    system: Literal["text_resnet"] = Field(default="text_resnet", description="name of the System")
    encoder: CaptionEncoderConfig = Field(
        default=CaptionEncoderConfig(name="text_resnet"), description="see `encoder.caption` of DESIGN"
    )


@register_system("text_resnet")
class TextResNet(NeuralCaptionSystem):
    """Word vectors → residual network → mean over regions → dropout → linear → sigmoid, idf-weighted cross-entropy."""

    config_type = TextResNetConfig
