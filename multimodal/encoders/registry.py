"""Which encoders there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from data_loaders.errors import ConfigError, nearest
from data_loaders.registry import Registry
from multimodal.encoders.base import CaptionEncoder, ImageEncoder

CaptionEncoderType = TypeVar("CaptionEncoderType", bound=type[CaptionEncoder])
ImageEncoderType = TypeVar("ImageEncoderType", bound=type[ImageEncoder])

_CAPTION_ENCODERS: Registry[type[CaptionEncoder]] = Registry(
    "caption encoder",
    {
        "cnn_attention": "multimodal.encoders.captions.cnn_attention",
        "fasttext": "multimodal.encoders.captions.fasttext",
        "hmemn2n": "multimodal.encoders.captions.hmemn2n",
        "lstm": "multimodal.encoders.captions.lstm",
        "sa_lstm": "multimodal.encoders.captions.sa_lstm",
        "small": "multimodal.encoders.captions.small",
        "text_resnet": "multimodal.encoders.captions.text_resnet",
        "transformer": "multimodal.encoders.captions.transformer",
    },
)
_IMAGE_ENCODERS: Registry[type[ImageEncoder]] = Registry(
    "image encoder",
    {
        "resnet50": "multimodal.encoders.images.torchvision_models",
        "small": "multimodal.encoders.images.small",
        "vgg16": "multimodal.encoders.images.torchvision_models",
    },
)


def register_caption_encoder(name: str) -> Callable[[CaptionEncoderType], CaptionEncoderType]:
    """Class decorator: make a caption encoder known under `name` (snake_case, unique)."""
    return _CAPTION_ENCODERS.register(name)


def register_image_encoder(*names: str) -> Callable[[ImageEncoderType], ImageEncoderType]:
    """Class decorator: make an image encoder known under each of `names` (unique)."""
    return _IMAGE_ENCODERS.register(*names)


def list_caption_encoders() -> list[str]:
    """Return the names of all caption encoders, sorted."""
    return _CAPTION_ENCODERS.names()


def list_image_encoders() -> list[str]:
    """Return the names of the registered image encoders, sorted; any timm model is known besides."""
    return _IMAGE_ENCODERS.names()


def check_caption_encoder(name: str) -> str:
    """Return the name of a caption encoder that exists.

    Raises:
        ConfigError: there is none; the message names the nearest and all that exist.
    """
    return _CAPTION_ENCODERS.check(name)


def caption_encoder_defaults(name: object) -> dict[str, Any]:
    """Return the settings in which a caption encoder's defaults differ from those of `CaptionEncoderConfig`."""
    return dict(_CAPTION_ENCODERS.get(str(name)).defaults) if name in list_caption_encoders() else {}


def get_caption_encoder(name: str) -> type[CaptionEncoder]:
    """Return the caption encoder registered under `name`.

    Raises:
        ConfigError: there is none; the message names the nearest and all that exist.
    """
    return _CAPTION_ENCODERS.get(name)


def get_image_encoder(name: str) -> type[ImageEncoder]:
    """Return the image encoder registered under `name`, or the timm one.

    Raises:
        ConfigError: neither registered nor a timm model; the message names the nearest.
    """
    problem = image_encoder_problem(name)
    if problem:
        raise ConfigError(problem)
    if name in list_image_encoders():
        return _IMAGE_ENCODERS.get(name)
    from multimodal.encoders.images.timm_models import TimmImageEncoder

    return TimmImageEncoder


def image_encoder_problem(name: str) -> str:
    """Return why `name` is not an image encoder, or an empty string."""
    registered = list_image_encoders()
    if name in registered:
        return ""
    import timm

    if timm.is_model(name):
        return ""
    hint = nearest(name, [*registered, *timm.list_models()])
    return (
        f"unknown image encoder {name!r}.{hint} Known: {', '.join(registered)}, and every name of timm.list_models()."
    )
