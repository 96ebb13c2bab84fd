"""Register, list, build and load encoders by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar, cast

from data_loaders.errors import ConfigError, RunError, UserError
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.configuration import CaptionEncoderConfig, ImageEncoderConfig
from multimodal.encoders.names import CAPTION_ENCODERS, CAPTION_SCHEMAS, IMAGE_ENCODERS, check_image_encoder
from multimodal.encoders.storage import read_description

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


def build_caption_encoder(
    config: CaptionEncoderConfig, train_captions: Iterable[str], section: str = CaptionEncoder.section
) -> CaptionEncoder:
    """Build a caption encoder, in training mode.

    Args:
        config: its name, the source of its weights, and its settings.
        train_captions: cleaned; a tokenizer may be learned from them.
        section: that `config` comes from, for messages.

    Raises:
        ConfigError: the weights are not available or do not fit; the message says how to use local ones.
    """
    try:
        return get_caption_encoder(config.name).build(config, train_captions)
    except ConfigError as error:
        # Encoders name their keys by DESIGN's section.
        raise ConfigError(str(error).replace(f"{CaptionEncoder.section}.", f"{section}.")) from None


def build_image_encoder(config: ImageEncoderConfig) -> ImageEncoder:
    """Build an image encoder, in training mode.

    Raises:
        ConfigError: the weights are not available or do not fit; the message says how to use local ones.
    """
    return get_image_encoder(config.name).build(config)


def missing_weights(
    caption: CaptionEncoderConfig | None = None,
    image: ImageEncoderConfig | None = None,
    section: str = CaptionEncoder.section,
) -> list[str]:
    """Return why weights that encoders start from cannot be used, a message each; those of a hub are downloaded now.

    Args:
        caption: configuration of the caption encoder; None for none.
        image: configuration of the image encoder; None for none.
        section: that `caption` comes from, for messages.
    """
    problems = []
    try:
        if caption is not None:
            get_caption_encoder(caption.name).find_weights(caption)
    except UserError as error:
        problems.append(str(error).replace(f"{CaptionEncoder.section}.", f"{section}."))
    try:
        if image is not None:
            get_image_encoder(image.name).find_weights(image)
    except UserError as error:
        problems.append(str(error))
    return problems


def load_caption_encoder(folder: str | Path) -> CaptionEncoder:
    """Read a caption encoder that `CaptionEncoder.save` wrote, in evaluation mode; nothing is downloaded.

    Raises:
        RunError: the folder is missing, incomplete or damaged, or of another version.
    """
    return get_caption_encoder(_name(folder, "caption")).load(Path(folder))


def load_image_encoder(folder: str | Path) -> ImageEncoder:
    """Read an image encoder that `ImageEncoder.save` wrote, in evaluation mode; nothing is downloaded.

    Raises:
        RunError: the folder is missing, incomplete or damaged, or of another version.
    """
    return get_image_encoder(_name(folder, "image")).load(Path(folder))


def _name(folder: str | Path, kind: str) -> str:
    config = read_description(Path(folder), kind).get("config")
    if not isinstance(config, dict) or not isinstance(config.get("name"), str):
        raise RunError(f"{Path(folder) / 'encoder.json'} does not name an encoder; the folder is damaged.")
    name: str = config["name"]
    return name
