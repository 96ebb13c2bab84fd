"""Configuration of `hmemn2n`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from multimodal.captions.encoder_system import EncoderSystemConfig, encoder_field
from multimodal.config import Choice, SearchSpace
from multimodal.encoders import CaptionEncoderConfig


class HMemN2NConfig(EncoderSystemConfig):
    """Configuration of `hmemn2n`."""

    search_space: ClassVar[SearchSpace] = {
        **EncoderSystemConfig.search_space,
        "hops": Choice((1, 2, 3)),
        "history_posts": Choice((10, 20, 50)),
    }
    system: Literal["hmemn2n"] = Field(default="hmemn2n", description="name of the System")
    encoder: CaptionEncoderConfig = encoder_field("hmemn2n")
    hops: int = Field(default=3, ge=0, le=10, description="how often the memory is read; 0: never, text alone")
    history_posts: int = Field(default=20, ge=1, le=1_000, description="most recent posts of the user that are read")
    history_words: int = Field(default=32, ge=1, le=1_000, description="words kept of each post in the memory")
    history_hashtags: bool = Field(default=True, description="whether the hashtags of a post in the memory are words")
    history_order: bool = Field(default=False, description="whether attention knows how recent a post is")
