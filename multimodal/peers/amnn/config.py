"""Configuration of `amnn`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.peers.config import PeerConfig


class AmnnConfig(PeerConfig):
    """Configuration of `amnn`."""

    system: Literal["amnn"] = Field(default="amnn", description="name of the System")
    image_hidden: int = Field(default=256, ge=1, description="width of the LSTM over the regions")
    hidden: int = Field(default=256, ge=1, description="width of the GRU")
    steps: int = Field(default=30, ge=1, le=50, description="S, most hashtags of a sequence")
    order: Literal["frequency", "post", "free"] = Field(
        default="post", description="of target hashtags; free: another order each epoch, and a loss without order"
    )
    feedback: bool = Field(
        default=True, description="whether a step reads the hashtag before it, in training and in decoding alike"
    )
    ranking: Literal["generated", "contained"] = Field(
        default="generated", description="generated: in the order of generation, then the others by the probability "
        "that the sequence contains them; contained: all by that",
    )  # fmt: skip
