"""The configurations of the Systems that vote with the hashtags of similar posts."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from data_loaders.errors import ConfigError
from data_loaders.text.captions import check_profile
from multimodal.baselines.windows import TuningConfig
from multimodal.config import Range, RunConfig, SearchSpace, Section
from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig
from multimodal.encoders.features.rounding import FeaturePrecision

WORDS, CAPTION, IMAGE, CONTENT = "words", "caption", "image", "content"
_LIKENESS = "weight of each space in the similarity of two posts; 0: none"
SENTENCE_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"

Neighbours = Annotated[int, Field(ge=1, le=1_000)]
Power = Annotated[float, Field(gt=0, le=32)]
Decay = Annotated[float, Field(ge=0, le=5)]


class EncodersConfig(Section):
    """The encoders whose vectors posts are compared by; they are never trained."""

    caption: CaptionEncoderConfig | None = Field(default=None, description="gives the space `caption`")
    image: ImageEncoderConfig | None = Field(default=None, description="gives the space `image`")

    @field_validator("caption", "image", mode="before")
    @classmethod
    def _frozen(cls, value: Any) -> Any:
        if isinstance(value, Section):
            value = value.model_dump()
        value = {"name": value} if isinstance(value, str) else value
        return {**value, "trainable": False} if isinstance(value, dict) else value


class SearchConfig(Section):
    """Values to choose from; those chosen are the best on posts that no setting was learned from."""

    neighbours: tuple[Neighbours, ...] = Field(default=(10, 20, 40), min_length=1, description="how many posts vote")
    powers: tuple[Power, ...] = Field(default=(1.0, 2.0, 4.0), min_length=1, description="exponents of the similarity")
    decays: tuple[Decay, ...] = Field(
        default=(0.0, 0.15, 0.3, 0.5), min_length=1, description="exponents of the age in hours plus 1"
    )


class RetrievalConfig(RunConfig):
    """The keys that all of them have."""

    spaces: ClassVar[tuple[str, ...]] = (WORDS, CAPTION, IMAGE)
    caption_profile: str = Field(default="plain", description="how captions are cleaned")
    likeness: dict[str, float] = Field(description=_LIKENESS)
    bigrams: float = Field(default=0.5, ge=0, le=1, description="weight of pairs of words in `words`; 0: words alone")
    encoder: EncodersConfig = EncodersConfig()
    search: SearchConfig = SearchConfig()
    tuning: TuningConfig = TuningConfig()
    feature_cache: str | None = Field(default=".cache/features", description="folder for the encoders' features")
    feature_precision: FeaturePrecision = Field(default="fp16", description="how features are rounded and kept")

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each space that counts."""
        return {space: weight for space, weight in self.likeness.items() if weight}

    @field_validator("caption_profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        try:
            return check_profile(name)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @field_validator("likeness")
    @classmethod
    def _usable_weights(cls, weights: dict[str, float]) -> dict[str, float]:
        for space, weight in weights.items():
            if space not in cls.spaces:
                raise ValueError(f"{space!r} is not a space; give weights of {', '.join(cls.spaces)}")
            if not 0 <= weight < math.inf:
                raise ValueError(f"the weight of {space!r} is {weight}; give a finite number of at least 0")
        if not any(weights.values()):
            raise ValueError(f"{weights} gives no space a weight; give one above 0, for instance {{words: 1}}")
        return weights

    @model_validator(mode="after")
    def _has_encoders(self) -> RetrievalConfig:
        for space, encoder in ((CAPTION, self.encoder.caption), (IMAGE, self.encoder.image)):
            if space in self.weights and encoder is None:
                raise ValueError(f"likeness.{space}={self.likeness[space]}, but encoder.{space} is null; give one")
        return self


class KnnWordsConfig(RetrievalConfig):
    """Configuration of `knn_words`."""

    search_space: ClassVar[SearchSpace] = {"bigrams": Range(0.0, 1.0)}
    system: Literal["knn_words"] = Field(default="knn_words", description="name of the System")
    likeness: dict[str, float] = Field(default={WORDS: 1.0}, description=_LIKENESS)


class KnnCaptionConfig(RetrievalConfig):
    """Configuration of `knn_caption`."""

    system: Literal["knn_caption"] = Field(default="knn_caption", description="name of the System")
    likeness: dict[str, float] = Field(default={CAPTION: 1.0}, description=_LIKENESS)
    encoder: EncodersConfig = EncodersConfig(
        caption=CaptionEncoderConfig(name="transformer", pretrained=SENTENCE_ENCODER)
    )
    search: SearchConfig = SearchConfig(powers=(2.0, 4.0, 8.0))


class KnnImageConfig(RetrievalConfig):
    """Configuration of `knn_image`."""

    system: Literal["knn_image"] = Field(default="knn_image", description="name of the System")
    likeness: dict[str, float] = Field(default={IMAGE: 1.0}, description=_LIKENESS)
    encoder: EncodersConfig = EncodersConfig(image=ImageEncoderConfig(name="vit_base_patch16_224", pretrained=True))
    search: SearchConfig = SearchConfig(powers=(2.0, 4.0, 8.0))


class KnnContentConfig(RetrievalConfig):
    """Configuration of `knn_content`."""

    spaces: ClassVar[tuple[str, ...]] = (CONTENT, WORDS, CAPTION, IMAGE)
    system: Literal["knn_content"] = Field(default="knn_content", description="name of the System")
    content: str = Field(
        default="sample",
        description="a run whose System has content vectors, or the configuration of one, which is trained first",
    )
    likeness: dict[str, float] = Field(default={CONTENT: 1.0}, description=_LIKENESS)
    search: SearchConfig = SearchConfig(powers=(2.0, 4.0, 8.0))
    # The System that gives the vectors knows the train posts, so only validation posts may choose.
    tuning: TuningConfig = TuningConfig(windows=1)
