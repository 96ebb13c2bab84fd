"""The configuration of the hybrid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from data_loaders.text.captions import check_profile
from multimodal.config import Choice, Range, RunConfig, SearchSpace, Section
from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig
from multimodal.encoders.configuration import wants_training
from multimodal.hybrid.ranker.config import RankerConfig


class SpacesConfig(Section):
    """The frozen encoders by whose vectors posts are compared, beside their words."""

    caption: CaptionEncoderConfig | None = Field(default=None, description="sentence encoder; null: words alone")
    image: ImageEncoderConfig | None = Field(default=None, description="image encoder; null: pictures are not compared")

    @field_validator("caption", "image", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("caption", "image")
    @classmethod
    def _frozen(cls, encoder: Any) -> Any:
        if encoder is not None and _trains(encoder):
            raise ValueError("this encoder is never trained; give `pretrained`, or trainable=false")
        return encoder


class SearchConfig(Section):
    """How much of the memory each source looks at."""

    neighbours: int = Field(default=80, ge=1, le=1_000, description="most similar earlier posts")
    decay: float = Field(default=0.3, ge=0, le=5, description="neighbours count (age + 1 h)^-decay")
    own_posts: int = Field(default=500, ge=1, le=100_000, description="most recent posts of the user")
    word_posts: int = Field(default=200, ge=1, le=100_000, description="most recent posts with a word of the caption")
    hashtag_posts: int = Field(default=20, ge=0, le=1_000, description="most recent posts with a hashtag; 0: none")
    new_words: int = Field(default=12, ge=0, le=200, description="words of the caption that nobody used as hashtags")


class RowsConfig(Section):
    """On which posts the ranker learns, and how parts that learn themselves are kept from knowing them."""

    start: float = Field(default=0.25, ge=0, lt=1, description="share of the train posts, by time, that only precede")
    refit: float = Field(
        default=0.5, gt=0, lt=1, description="other Systems are also trained on this share of the train posts alone; "
        "their scores of later train posts are what the ranker learns from"
    )  # fmt: skip
    most_posts: int = Field(default=20_000, ge=1, description="the last train posts, that the ranker learns from")
    lacking: float = Field(
        default=0.2, ge=0, le=1, description="share of the train posts that the ranker learns from a second time, "
        "without their caption, user or picture"
    )  # fmt: skip
    windows: int = Field(default=3, ge=1, le=10, description="stretches of time on which sources are chosen")
    choose: bool = Field(default=True, description="leave out sources that do not help; false: take all")
    validation: bool = Field(
        default=True, description="in the end the ranker learns from validation posts, too; an evaluation of that "
        "split flatters it then, the log has the figure from before; false: train posts alone"
    )  # fmt: skip


class HybridConfig(RunConfig):
    """The configuration of the hybrid."""

    search_space: ClassVar[SearchSpace] = {
        "bigrams": Range(0.0, 1.0),
        "search.neighbours": Choice((40, 80, 160)),
        "search.decay": Range(0.0, 1.0),
        "ranker.leaves": Choice((7, 15, 31)),
        "ranker.learning_rate": Range(0.02, 0.1, log=True),
        "ranker.feature_share": Range(0.3, 1.0),
    }
    search_settings: ClassVar[tuple[str, ...]] = ("rows.validation=false",)
    system: Literal["hybrid"] = "hybrid"
    caption_profile: str = Field(default="plain", description="how captions are cleaned")
    bigrams: float = Field(default=0.5, ge=0, le=1, description="weight of pairs of words where posts are compared")
    encoder: SpacesConfig = SpacesConfig()
    sources: dict[str, str] = Field(
        default_factory=dict, description="further Systems by name: a run that is reused, or a configuration to train"
    )
    search: SearchConfig = SearchConfig()
    rows: RowsConfig = RowsConfig()
    ranker: RankerConfig = RankerConfig()
    feature_cache: str | None = Field(default=".cache/features", description="folder for frozen encoders' features")

    @field_validator("caption_profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        return check_profile(name)

    @field_validator("sources")
    @classmethod
    def _plain_names(cls, sources: Mapping[str, str]) -> dict[str, str]:
        for name in sources:
            if not name.isidentifier():
                raise ValueError(f"{name!r} is not a name for a source; use letters, digits and _, for instance design")
            if name in RESERVED:
                raise ValueError(f"{name!r} is a source that the hybrid has itself; give another name")
        return dict(sources)


RESERVED = (
    *("own", "similar", "similar_images", "words", "caption", "trends", "together", "post", "agreement", "linear"),
    *("texts", "mentions", "own_mentions"),
)


def _trains(encoder: Any) -> bool:
    return bool(wants_training(encoder.trainable, encoder.from_scratch))
