"""Configuration sections of the encoders: which network, where its weights come from, what of it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from multimodal.config import Section

DEFAULT_TRANSFORMER = "bert-base-multilingual-cased"
HUB = "hub"
# Fine-tuning with the rate that fresh layers need would undo what was pretrained.
PRETRAINED_LEARNING_RATE = 2e-5


def _check_trainable(value: Any) -> Any:
    if value is None or isinstance(value, bool) or value == "all" or (isinstance(value, int) and value >= 0):
        return value
    raise ValueError(f"{value!r} is not accepted; give true, false, all, or how many of the last layers to train")


Trainable = Annotated[bool | int | Literal["all"] | None, BeforeValidator(_check_trainable)]


class CaptionEncoderConfig(Section):
    """Turns a caption into one vector per token."""

    name: str = Field(default="small", description="small (from scratch), transformer, or another registered name")
    pretrained: str | None = Field(
        default=None,
        description=f"transformer: local folder or hub id; nothing means {DEFAULT_TRANSFORMER}. Others: the folder of "
        "a run that trained this encoder",
    )
    random_init: bool = Field(
        default=False,
        description="transformer: the architecture with random weights; without `pretrained`, multilingual BERT's size",
    )
    trainable: Trainable = Field(
        default=None, description="true, false, or the last N layers; nothing: random weights train, pretrained do not"
    )
    maximum_tokens: int = Field(default=128, ge=2, description="longer captions are cut here, special tokens included")
    width: int = Field(default=128, ge=8, description="vector width of a token")
    hidden: int | None = Field(default=None, ge=1, description="hidden width, where there are layers of another one")
    layers: int = Field(default=1, ge=0, description="layers")
    heads: int = Field(default=4, ge=1, description="attention heads, where there are any")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="dropout")
    vocabulary_size: int = Field(default=8000, ge=300, description="tokens learned from the train captions")
    minimum_count: int = Field(default=2, ge=1, description="over words: how often a word has to occur to be learned")
    word_ngrams: int = Field(default=1, ge=1, le=5, description="fasttext: words of the longest n-gram; 1: words alone")
    characters: tuple[int, int] | None = Field(
        default=None, description="fasttext: characters of the shortest and the longest n-gram inside words"
    )
    buckets: int = Field(default=2**20, ge=1, le=2**28, description="fasttext: what n-grams are hashed into")
    word_vectors: str | None = Field(
        default=None, description="over words: word2vec or GloVe text file; these vectors stay as they are"
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="own rate; nothing: 2e-5 if pretrained, else the training's"
    )

    @model_validator(mode="before")
    @classmethod
    def _own_defaults(cls, values: Any) -> Any:
        from multimodal.encoders.registry import caption_encoder_defaults

        return {**caption_encoder_defaults(values.get("name")), **values} if isinstance(values, dict) else values

    @field_validator("name")
    @classmethod
    def _known_name(cls, name: str) -> str:
        from multimodal.encoders.registry import check_caption_encoder

        return check_caption_encoder(name)

    @model_validator(mode="after")
    def _combination(self) -> CaptionEncoderConfig:
        if self.name == "small" and self.width % self.heads:
            raise ValueError(f"width={self.width} cannot be divided among heads={self.heads}")
        if self.random_init and self.name != "transformer":
            raise ValueError("random_init is for name=transformer; other encoders start from random weights anyway")
        if self.word_vectors is not None and self.name in ("small", "transformer"):
            raise ValueError(f"name={self.name} has a vocabulary of its own and takes no word_vectors")
        if self.name != "fasttext" and (self.word_ngrams > 1 or self.characters is not None):
            raise ValueError(f"word_ngrams and characters are for name=fasttext; name={self.name} has no n-grams")
        if self.characters is not None and not 1 <= self.characters[0] <= self.characters[1] <= 12:
            raise ValueError(f"characters={list(self.characters)}: give two numbers from 1 to 12, the smaller first")
        if self.name == "small" and self.pretrained is not None:
            raise ValueError("name=small is always trained from scratch; remove `pretrained`, or set name=transformer")
        return self

    @property
    def from_scratch(self) -> bool:
        """Whether the encoder starts from random weights."""
        return self.random_init or (self.name != "transformer" and self.pretrained is None)


class ImageEncoderConfig(Section):
    """Turns a picture into one vector per region."""

    name: str = Field(default="small", description="small, vgg16, resnet50 (torchvision), or any timm model")
    pretrained: bool | str = Field(
        default=False,
        description=f"false: random weights; {HUB} (or true): the published weights, downloaded; or a local file",
    )
    trainable: Trainable = Field(
        default=None, description="true, false, or the last N layers; nothing: random weights train, pretrained do not"
    )
    size_px: int | None = Field(default=None, ge=8, description="side of the square input; nothing: the model's own")
    width: int = Field(default=128, ge=16, multiple_of=16, description="small: vector width")
    mean: tuple[float, float, float] | None = Field(default=None, description="replaces the model's own, RGB in [0, 1]")
    std: tuple[float, float, float] | None = Field(default=None, description="replaces the model's own, RGB in [0, 1]")
    interpolation: Literal["bilinear", "bicubic"] | None = Field(default=None, description="replaces the model's own")
    crop_fraction: float | None = Field(default=None, gt=0, le=1, description="centre crop; replaces the model's own")
    augmentation: bool = Field(
        default=False, description="train on random crops and mirror images; needs an encoder that is trained"
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="own rate; nothing: 2e-5 if pretrained, else the training's"
    )

    @field_validator("name")
    @classmethod
    def _known_name(cls, name: str) -> str:
        from multimodal.encoders.registry import image_encoder_problem

        problem = image_encoder_problem(name)
        if problem:
            raise ValueError(problem)
        return name

    @field_validator("pretrained")
    @classmethod
    def _existing_file(cls, pretrained: bool | str) -> bool | str:
        if isinstance(pretrained, bool) or pretrained == HUB:
            return HUB if pretrained else False
        if not Path(pretrained).expanduser().suffix:
            raise ValueError(
                f"{pretrained!r} is not accepted; give false, {HUB}, or the path of a .safetensors or .pth file"
            )
        return pretrained

    @model_validator(mode="after")
    def _combination(self) -> ImageEncoderConfig:
        if self.name == "small" and self.pretrained is not False:
            raise ValueError("name=small is always trained from scratch; remove `pretrained`, or name another model")
        if self.augmentation and not wants_training(self.trainable, self.from_scratch):
            raise ValueError(
                "augmentation=true, but the encoder is frozen: its features are computed once, so that random views "
                "would change nothing; set trainable to true, all or the last N layers, or set augmentation=false"
            )
        return self

    @property
    def from_scratch(self) -> bool:
        """Whether the encoder starts from random weights."""
        return self.pretrained is False


def wants_training(trainable: bool | int | str | None, from_scratch: bool) -> bool | int:
    """Resolve `trainable`: True for all layers, False for none, or how many of the last ones."""
    if trainable is None:
        return from_scratch
    if trainable == "all" or trainable is True:
        return True
    return False if not trainable else int(trainable)


def own_learning_rate(config: CaptionEncoderConfig | ImageEncoderConfig) -> float | None:
    """Return an encoder's learning rate: as configured, 2e-5 for pretrained weights, None for random ones."""
    if config.learning_rate is None and not config.from_scratch:
        return PRETRAINED_LEARNING_RATE
    return config.learning_rate
