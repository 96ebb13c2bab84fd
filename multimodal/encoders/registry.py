"""Which encoders there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.names import CAPTION_ENCODERS, CAPTION_SCHEMAS, IMAGE_ENCODERS, check_image_encoder

CaptionEncoderType = TypeVar("CaptionEncoderType", bound=type[CaptionEncoder])
ImageEncoderType = TypeVar("ImageEncoderType", bound=type[ImageEncoder])


def register_caption_encoder(name: str) -> Callable[[CaptionEncoderType], CaptionEncoderType]:
    """Class decorator: make a caption encoder known under `name` (snake_case, unique), with its `config_type`."""

    def add(encoder: CaptionEncoderType) -> CaptionEncoderType:
        CAPTION_ENCODERS.register(name)(encoder)
        CAPTION_SCHEMAS.register(name)(encoder.config_type)
        return encoder

    return add


def register_image_encoder(*names: str) -> Callable[[ImageEncoderType], ImageEncoderType]:
    """Class decorator: make an image encoder known under each of `names` (snake_case, unique)."""
    return IMAGE_ENCODERS.register(*names)


def list_caption_encoders() -> list[str]:
    """Return the names of all caption encoders, sorted."""
    return CAPTION_ENCODERS.names()


def list_image_encoders() -> list[str]:
    """Return the names of the registered image encoders, sorted; any timm model can be used besides."""
    return IMAGE_ENCODERS.names()


def get_caption_encoder(name: str) -> type[CaptionEncoder]:
    """Return the caption encoder registered under `name`; its module is imported now.

    Raises:
        ConfigError: there is none; the message names the nearest and all that exist.
    """
    return cast(type[CaptionEncoder], CAPTION_ENCODERS.get(name))


def get_image_encoder(name: str) -> type[ImageEncoder]:
    """Return the image encoder registered under `name`, or the timm one; its module is imported now.

    Raises:
        ConfigError: neither registered nor a timm model; the message suggests the nearest.
    """
    if check_image_encoder(name) in IMAGE_ENCODERS.names():
        return cast(type[ImageEncoder], IMAGE_ENCODERS.get(name))
    from multimodal.encoders.images.timm_models import TimmImageEncoder

    return TimmImageEncoder
