"""The configuration of DESIGN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from multimodal.config import Choice, Range, SearchSpace, Section
from multimodal.design.fusion import check_fusion
from multimodal.encoders import CaptionEncoderConfig
from multimodal.encoders.configuration import wants_training
from multimodal.systems.post_networks.config import PostNetworkConfig

_SPACES = ("words", "caption", "image")
_LIKENESSES = {"words": {"words": 1.0}, "mixed": {"words": 0.5, "caption": 0.5}}
# What a search for hyper-parameters may try where there are neighbours, and where there is a pointer.
_OF_NEIGHBOURS: SearchSpace = {
    "history.neighbours": Choice((10, 20, 40)),
    "history.neighbour_decay": Range(0.0, 0.5),
    "history.bigrams": Range(0.0, 1.0),
    "history.power": Range(1.0, 8.0, log=True),
}
_OF_THE_POINTER: SearchSpace = {
    "history.divided": Choice((True, False)),
    "history.named": Choice((False, True)),
}


class InteractionConfig(Section):
    """How caption and image attend to each other."""

    word_attention: bool = Field(default=True, description="word-level attention before co-attention")
    co_attention: bool = Field(default=True, description="parallel co-attention; otherwise means")
    averaged: bool = Field(default=True, description="co-attention averages over the other side; false: sums")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="on projected words and regions, and inside")


class FusionConfig(Section):
    """How caption and image become one vector."""

    name: str = Field(default="weighted", description="sum, weighted or scalar")
    hidden: int | None = Field(default=None, ge=1, description="hidden width of the gate; null: the width D")
    normalise: bool = Field(default=False, description="LayerNorm on t and on v before they are fused")

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return check_fusion(name)


class HistoryConfig(Section):
    """How earlier posts are used."""

    retired: ClassVar[Mapping[str, Any]] = {"hashtag_dropout": 0}
    posts: int = Field(default=20, ge=0, le=2000, description="most recent own posts attended to; 0: none")
    neighbours: int = Field(default=0, ge=0, le=200, description="earlier posts with a similar caption; 0: none")
    neighbour_decay: float = Field(default=0.2, ge=0, le=5, description="neighbours are the posts with the largest "
                                   "similarity^power * (age + 1 h)^-decay; 0: similarity alone")  # fmt: skip
    likeness: Literal["words", "mixed"] | dict[str, float] = Field(
        default="words",
        description="by what posts are compared: words, mixed (half words, half the space `caption`), or weights of "
        "words, caption and image",
    )
    bigrams: float = Field(default=0, ge=0, le=1, description="weight of pairs of words in `words`; 0: words alone")
    power: float = Field(default=1, gt=0, le=32, description="of the similarity, where it is weighed against age")
    encoder: CaptionEncoderConfig | None = Field(
        default=None,
        description="frozen sentence encoder that gives the space `caption`; null: encoder.caption, if it is frozen",
    )
    pointer: bool = Field(default=True, description="copy remembered hashtags into the recommendation")
    divided: bool = Field(default=True, description="the pointer divides a post's weight among its hashtags; false: "
                          "each has all of it")  # fmt: skip
    named: bool = Field(default=False, description="the pointer also copies the hashtags used before that the caption "
                        "names: a word, up to four joined, or inside of what is written without spaces")  # fmt: skip
    dropout: float = Field(default=0.1, ge=0, lt=1, description="share of posts trained as if the user were new")

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each space in the similarity of two posts, those that count."""
        if isinstance(self.likeness, str):
            return dict(_LIKENESSES[self.likeness])
        return {space: weight for space, weight in self.likeness.items() if weight}

    @field_validator("likeness")
    @classmethod
    def _known_spaces(cls, value: str | dict[str, float]) -> str | dict[str, float]:
        if isinstance(value, str):
            return value
        for space, weight in value.items():
            if space not in _SPACES:
                why = "; the content vectors change while the network learns" if space == "content" else ""
                raise ValueError(f"{space!r} is not a space to compare posts in ({', '.join(_SPACES)}){why}")
            if not 0 <= weight < math.inf:
                raise ValueError(f"the weight of {space!r} is {weight}; give a number of at least 0")
        if not any(value.values()):
            raise ValueError("no space has a weight above 0")
        return value

    @field_validator("encoder")
    @classmethod
    def _frozen(cls, encoder: CaptionEncoderConfig | None) -> CaptionEncoderConfig | None:
        if encoder is not None and wants_training(encoder.trainable, encoder.from_scratch):
            raise ValueError("this encoder is never trained; give `pretrained`, or trainable=false")
        return encoder


class HeadsConfig(Section):
    """The two heads and their losses."""

    multilabel: bool = Field(default=True, description="multilabel classification head")
    sequence: bool = Field(default=True, description="sequence generation head (GRU)")
    loss: Literal["bce", "softmax_1_over_k"] = Field(default="softmax_1_over_k", description="multilabel loss")
    sequence_weight: float = Field(default=1.0, ge=0, description="weight of the sequence loss")
    hidden: int | None = Field(default=None, ge=1, description="hidden width of both heads; null: the width D")
    embedding_width: int = Field(default=256, ge=1, description="E, width of a hashtag embedding")
    order: Literal["frequency", "post", "free"] = Field(default="frequency", description="order of target hashtags")
    steps: int = Field(default=15, ge=1, le=50, description="S, most hashtags of a sequence")
    beams: int = Field(default=1, ge=1, le=50, description="beam width; 1: greedy")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="in both heads")


class RankingConfig(Section):
    """How the two heads are combined into one ranking."""

    aggregate: Literal["minmax", "reciprocal_rank", "interleave"] = Field(default="minmax", description="rule")
    alpha: float | None = Field(
        default=None, ge=0, le=1, description="weight of the multilabel head; null: chosen by validation"
    )


class DesignConfig(PostNetworkConfig):
    """The configuration of DESIGN."""

    search_space: ClassVar[SearchSpace] = {
        "training.learning_rate": Range(5e-4, 5e-3, log=True),
        "interaction.dropout": Range(0.0, 0.5),
        "heads.dropout": Range(0.0, 0.5),
        "modality_dropout": Range(0.0, 0.3),
        "fusion.name": Choice(("sum", "weighted")),
        **_OF_NEIGHBOURS,
        **_OF_THE_POINTER,
    }
    system: Literal["design"] = "design"
    interaction: InteractionConfig = InteractionConfig()
    fusion: FusionConfig = FusionConfig()
    history: HistoryConfig = HistoryConfig()
    heads: HeadsConfig = HeadsConfig()
    ranking: RankingConfig = RankingConfig()
    length_bucketing: bool = Field(default=False, description="train on batches of similar caption length: less "
                                   "padding, but the gate's batch normalisation hides missing captions")  # fmt: skip

    def searchable(self) -> SearchSpace:
        """Return what of `search_space` there is a use for; the papers' have neither neighbours nor pointer."""
        names_hashtags = self.history.pointer and self.heads.multilabel and self.encoder.caption is not None
        useless = {
            *(() if self.history.neighbours else _OF_NEIGHBOURS),
            *(() if names_hashtags else _OF_THE_POINTER),
        }
        return {key: tried for key, tried in self.search_space.items() if key not in useless}

    @model_validator(mode="after")
    def _works_together(self) -> DesignConfig:
        problems = []
        if not self.heads.multilabel and not self.heads.sequence:
            problems.append("heads.multilabel and heads.sequence are both false; a ranking needs at least one head")
        if self.encoder.caption is None and self.encoder.image is None and not self.history.posts:
            problems.append(
                "encoder.caption and encoder.image are null and history.posts=0; there is nothing to learn from"
            )
        if self.encoder.caption is None and self.history.neighbours and "words" in self.history.weights:
            problems.append(
                f"history.neighbours={self.history.neighbours} are chosen by their captions, but encoder.caption is "
                "null, so captions are not used; set history.neighbours=0 or give a caption encoder"
            )
        if self.history.named and not (self.encoder.caption and self.history.pointer and self.heads.multilabel):
            problems.append(
                "history.named=true lets the pointer copy hashtags from the caption; give a caption encoder, "
                "history.pointer=true and heads.multilabel=true, or set history.named=false"
            )
        problems += self._unusable_spaces()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unusable_spaces(self) -> list[str]:
        """Return why spaces in which posts are to be compared have no vectors."""
        problems, weights = [], self.history.weights
        sources = {"caption": (self.history.encoder or self.encoder.caption), "image": self.encoder.image}
        for space, encoder in sources.items():
            if space not in weights:
                continue
            remedy = " or give history.encoder" if space == "caption" else ""
            if encoder is None:
                problems.append(f"history.likeness: encoder.{space} is null; leave {space!r} out{remedy}")
            elif wants_training(encoder.trainable, encoder.from_scratch):
                problems.append(
                    f"history.likeness: encoder.{space} is trained, so its vectors change while the network learns; "
                    f"set encoder.{space}.trainable=false{remedy}"
                )
        if self.history.encoder is not None and "caption" not in weights:
            problems.append("history.encoder is used by history.likeness=mixed or one with a weight of `caption` only")
        return problems
