"""Settings that the peers have in common."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from multimodal.config import Range, SearchSpace
from multimodal.systems.post_networks.config import PostNetworkConfig


class PeerConfig(PostNetworkConfig):
    """Settings of every peer."""

    search_space: ClassVar[SearchSpace] = {
        "training.learning_rate": Range(3e-4, 1e-2, log=True),
        "dropout": Range(0.0, 0.6),
    }
    dropout: float = Field(default=0.5, ge=0, lt=1, description="on projected words and regions, in attention, and "
                           "before the output")  # fmt: skip


class ClassifierConfig(PeerConfig):
    """Settings of a peer that classifies."""

    loss: Literal["softmax_sum", "softmax_1_over_k", "bce"] = Field(
        default="softmax_sum", description="softmax cross-entropy summed over a post's hashtags, as in the papers, or "
        "averaged over them; bce: binary cross-entropy",
    )  # fmt: skip
