"""Configuration of `coa`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.peers.config import ClassifierConfig


class CoAConfig(ClassifierConfig):
    """Configuration of `coa`."""

    system: Literal["coa"] = Field(default="coa", description="name of the System")
    attention_width: int = Field(default=100, ge=1, description="hidden width of the attention")
    layers: int = Field(default=1, ge=1, le=10, description="how often picture and caption are looked at")
