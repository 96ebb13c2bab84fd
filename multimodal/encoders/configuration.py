"""Configuration sections of the encoders: which network, the source of its weights, which parts are trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from multimodal.config import Section
from multimodal.encoders.names import CAPTION_SCHEMAS, check_image_encoder

HUB = "hub"
# The learning rate of new layers would undo the pretraining.
PRETRAINED_LEARNING_RATE = 2e-5
# Sizes beyond these are mistakes, or meant to fill the memory of whoever loads a model.
LARGEST_SIZE_PX, MOST_LAYERS = 2_048, 1_000
_DEFAULT_NAME = "small"


def _check_trainable(value: Any) -> Any:
    if value is None or isinstance(value, bool) or value == "all" or (isinstance(value, int) and value >= 0):
        return value
    raise ValueError(f"{value!r} is not accepted; give true, false, all, or how many of the last layers to train")


Trainable = Annotated[
    bool | int | Literal["all"] | None,
    BeforeValidator(_check_trainable),
    Field(description="true, false, or the last N layers; null: random weights are trained, pretrained ones are not"),
]
LearningRate = Annotated[
    float | None, Field(gt=0, description="own learning rate; null: 2e-5 if pretrained, else that of the training")
]
MaximumTokens = Annotated[int, Field(ge=2, description="longer captions are truncated, special tokens included")]


class CaptionEncoderConfig(Section):
    """A caption encoder, which turns a caption into one vector per token: the keys that all of them have.

    Each encoder has a schema of its own, a subclass with more keys, which `name` chooses:
    `CaptionEncoderConfig(name="lstm")` is an `LstmEncoderConfig`.
    """

    refusals: ClassVar[Mapping[str, str]] = {}
    """Keys of this encoder that other encoders refuse instead of ignoring them, with the message."""

    name: str = Field(default=_DEFAULT_NAME, description="small (from scratch), transformer, or another encoder")
    pretrained: str | None = Field(default=None, description="the folder of a run that trained this encoder")
    trainable: Trainable = None
    maximum_tokens: MaximumTokens = 128
    learning_rate: LearningRate = None

    def __new__(cls, *_: Any, **values: Any) -> Any:
        """Make an instance of the schema that belongs to `name`."""
        return super().__new__(cls.schema_for(values))

    @classmethod
    def schema_for(cls, values: Any) -> type[CaptionEncoderConfig]:
        """Return the schema that belongs to `name`; the class itself where there is no such encoder."""
        if cls is not CaptionEncoderConfig or not isinstance(values, Mapping):
            return cls
        name = values.get("name", _DEFAULT_NAME)
        return cast(type[CaptionEncoderConfig], CAPTION_SCHEMAS.get(name)) if name in CAPTION_SCHEMAS.names() else cls

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Serialise a field of this type by the schema of its value, which has more keys than this class."""
        schema: Any = handler(source)
        if Section in cls.__bases__:
            schema["serialization"] = core_schema.simple_ser_schema("any")
        return cast(CoreSchema, schema)

    @model_validator(mode="wrap")
    @classmethod
    def _by_name(cls, values: Any, validate: ModelWrapValidatorHandler[CaptionEncoderConfig]) -> CaptionEncoderConfig:
        schema = cls.schema_for(values)
        if schema is not cls:
            return schema.model_validate(values)
        if cls is CaptionEncoderConfig and isinstance(values, Mapping):
            # No encoder has this name, so the other keys cannot be checked.
            values = {"name": values["name"]}
        return validate(values)

    @model_validator(mode="before")
    @classmethod
    def _without_keys_of_others(cls, values: Any) -> Any:
        """Ignore keys that only other encoders have, so that `name` can be changed alone and older files be read."""
        if not isinstance(values, Mapping):
            return values
        kept = dict(values)
        for other in CAPTION_SCHEMAS.values():
            for key in [key for key in kept if key in other.model_fields and key not in cls.model_fields]:
                if kept.pop(key) != other.model_fields[key].default and key in other.refusals:
                    raise ValueError(other.refusals[key].format(name=kept.get("name", _DEFAULT_NAME)))
        return kept

    @field_validator("name")
    @classmethod
    def _known_name(cls, name: str) -> str:
        return CAPTION_SCHEMAS.check(name)

    @property
    def from_scratch(self) -> bool:
        """Whether the encoder starts from random weights."""
        return self.pretrained is None


class ImageEncoderConfig(Section):
    """An image encoder, which turns a picture into one vector per region."""

    name: str = Field(default="small", description="small, vgg16, resnet50 (torchvision), or any timm model")
    pretrained: bool | str = Field(
        default=False,
        description=f"false: random weights; {HUB} (or true): the published weights, downloaded; or a local file",
    )
    trainable: Trainable = None
    size_px: int | None = Field(
        default=None, ge=8, le=LARGEST_SIZE_PX, description="side of the square input; null: the model's own"
    )
    width: int = Field(default=128, ge=16, multiple_of=16, description="small: vector width")
    mean: tuple[float, float, float] | None = Field(default=None, description="replaces the model's own, RGB in [0, 1]")
    std: tuple[float, float, float] | None = Field(default=None, description="replaces the model's own, RGB in [0, 1]")
    interpolation: Literal["bilinear", "bicubic"] | None = Field(default=None, description="replaces the model's own")
    crop_fraction: float | None = Field(default=None, gt=0, le=1, description="centre crop; replaces the model's own")
    grid: int | None = Field(
        default=None, ge=1, le=64, description="pool the regions to grid x grid means; null: the model's own regions"
    )
    augmentation: bool = Field(
        default=False, description="train on random crops and mirror images; needs a trainable encoder"
    )
    learning_rate: LearningRate = None

    @field_validator("name")
    @classmethod
    def _known_name(cls, name: str) -> str:
        return check_image_encoder(name)

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
                "augmentation=true, but the encoder is frozen: its features are computed once, so random views have no "
                "effect; set trainable to true, all or the last N layers, or set augmentation=false"
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
    """Return an encoder's learning rate: the configured one, else 2e-5 if pretrained, None with random weights."""
    if config.learning_rate is None and not config.from_scratch:
        return PRETRAINED_LEARNING_RATE
    return config.learning_rate
