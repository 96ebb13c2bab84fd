"""Configuration of `macon`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.config import Section
from multimodal.peers.config import ClassifierConfig

Sampling = Literal["user_random", "community_random", "user_temporal"]


class HabitConfig(Section):
    """Which earlier posts are the external memory, and how they are weighed."""

    posts: int = Field(default=10, ge=1, le=200, description="H, earlier posts in the external memory")
    sampling: Sampling = Field(
        default="user_temporal", description="user_random: any of the user's posts; community_random: any posts with "
        "hashtags of the user; user_temporal: the user's newest posts",
    )  # fmt: skip
    candidates: int = Field(
        default=200, ge=1, le=10_000, description="newest posts that a random sample is drawn from: of the user, or "
        "with each of the hashtags",
    )  # fmt: skip
    hashtags: int = Field(default=5, ge=1, le=100, description="of the user, the most used, that make a community")
    correlation: Literal["softmax", "cosine"] = Field(
        default="softmax", description="weights of the posts: softmax of scaled products, or the cosines, averaged"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="share of posts trained as if the user were new")


class MaconConfig(ClassifierConfig):
    """Configuration of `macon`."""

    system: Literal["macon"] = Field(default="macon", description="name of the System")
    averaged: bool = Field(default=True, description="co-attention averages over the other side; false: sums")
    habit: HabitConfig = HabitConfig()
