"""`PostNetworkConfig`: the settings that all networks over caption and picture have."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from data_loaders.text.captions import check_profile
from multimodal.config import RunConfig, Section
from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig
from multimodal.training.config import TrainingConfig


class EncoderConfig(Section):
    """The two encoders; null leaves a modality out. Without a caption encoder captions are not compared either."""

    caption: CaptionEncoderConfig | None = Field(default=CaptionEncoderConfig(), description="caption encoder")
    image: ImageEncoderConfig | None = Field(default=ImageEncoderConfig(), description="image encoder")

    @field_validator("caption", "image", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class PostNetworkConfig(RunConfig):
    """What a network reads of a post, and how it is trained."""

    width: int = Field(default=512, ge=8, description="D, width of words, regions and the content of a post")
    caption_profile: str = Field(default="plain", description="how captions are cleaned")
    encoder: EncoderConfig = EncoderConfig()
    modality_dropout: float = Field(default=0.1, ge=0, le=0.5, description="share of posts trained without their "
                                    "caption, and share without their image")  # fmt: skip
    feature_cache: str | None = Field(default=".cache/features", description="folder for frozen encoders' features")
    feature_precision: Literal["fp16", "int8"] = Field(
        default="fp16", description="how frozen encoders' features are rounded and kept; int8 takes half the room"
    )
    training: TrainingConfig = TrainingConfig()

    @field_validator("caption_profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        return check_profile(name)
