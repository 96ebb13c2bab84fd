"""Configuration of `sa_lstm`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.captions.encoder_system import EncoderSystemConfig, encoder_field
from multimodal.encoders import CaptionEncoderConfig


class SaLstmConfig(EncoderSystemConfig):
    """Configuration of `sa_lstm`."""

    system: Literal["sa_lstm"] = Field(default="sa_lstm", description="name of the System")
    encoder: CaptionEncoderConfig = encoder_field("sa_lstm")
    spans: int = Field(
        default=1, ge=1, le=5, description="how many consecutive words may form one hashtag; 2: new york gives newyork"
    )
    positive_weight: float = Field(
        default=1.0, gt=0, le=10_000, description="weight in the loss of a word that is a hashtag; of others 1"
    )
    words_first: bool = Field(
        default=False, description="rank all words before any other hashtag, whatever their probability"
    )
    shifts: tuple[float, ...] = Field(
        default=tuple(range(-6, 7)), min_length=1, description="values to choose from that are added to word logits"
    )
