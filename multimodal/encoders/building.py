"""Build an encoder from its configuration, or load a saved one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.configuration import CaptionEncoderConfig, ImageEncoderConfig
from multimodal.encoders.registry import get_caption_encoder, get_image_encoder
from multimodal.encoders.storage import read_description

_CAPTION_SECTION = "encoder.caption"


def build_caption_encoder(
    config: CaptionEncoderConfig, train_captions: Iterable[str], section: str = _CAPTION_SECTION
) -> CaptionEncoder:
    """Build a caption encoder, in training mode.

    Args:
        config: its name, the source of its weights, and its settings.
        train_captions: cleaned captions of the train split; a tokenizer may be learned from them.
        section: the section of the configuration that `config` comes from, for messages.

    Raises:
        ConfigError: the weights are not available or do not fit; the message says how to use local ones.
    """
    try:
        return get_caption_encoder(config.name).build(config, train_captions)
    except ConfigError as error:
        # Encoders name their keys by DESIGN's section.
        raise ConfigError(str(error).replace(f"{_CAPTION_SECTION}.", f"{section}.")) from None


def build_image_encoder(config: ImageEncoderConfig) -> ImageEncoder:
    """Build an image encoder, in training mode.

    Args:
        config: its name, the source of its weights, and its settings.

    Raises:
        ConfigError: the weights are not available or do not fit; the message says how to use local ones.
    """
    return get_image_encoder(config.name).build(config)


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
