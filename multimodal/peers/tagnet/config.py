"""Configuration of `tagnet`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from multimodal.config import Section
from multimodal.encoders import ImageEncoderConfig
from multimodal.encoders.configuration import wants_training
from multimodal.peers.config import ClassifierConfig


class GraphConfig(Section):
    """The graph of posts with similar pictures."""

    neighbours: int = Field(default=10, ge=0, le=200, description="K, earlier posts with the most similar pictures")
    layers: int = Field(default=2, ge=1, le=10, description="layers of graph convolution")
    encoder: ImageEncoderConfig | None = Field(
        default=None, description="frozen encoder that compares pictures; null: encoder.image, if it is frozen"
    )


class TagnetConfig(ClassifierConfig):
    """Configuration of `tagnet`."""

    system: Literal["tagnet"] = Field(default="tagnet", description="name of the System")
    attention_width: int = Field(default=100, ge=1, description="hidden width of the triplet attention")
    history_posts: int = Field(default=10, ge=1, le=200, description="H, newest posts of the user")
    history_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="share of posts trained as if the user were new"
    )
    graph: GraphConfig = GraphConfig()

    @model_validator(mode="after")
    def _comparable_pictures(self) -> TagnetConfig:
        if self.encoder.image is None:
            raise ValueError("encoder.image is null, but the graph of tagnet is over pictures; give an image encoder")
        encoder = self.graph.encoder or self.encoder.image
        section = "encoder.image" if self.graph.encoder is None else "graph.encoder"
        if wants_training(encoder.trainable, encoder.from_scratch):
            raise ValueError(
                f"{section} is trained, so what it makes of pictures changes while the network learns; set "
                f"{section}.trainable=false, or give a frozen graph.encoder that compares pictures"
            )
        return self
