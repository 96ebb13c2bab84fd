"""Which encoders there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from data_loaders.errors import ConfigError, nearest
from multimodal.encoders.base import CaptionEncoder, ImageEncoder

CaptionEncoderType = TypeVar("CaptionEncoderType", bound=type[CaptionEncoder])
ImageEncoderType = TypeVar("ImageEncoderType", bound=type[ImageEncoder])

_CAPTION_ENCODERS: dict[str, type[CaptionEncoder]] = {}
_IMAGE_ENCODERS: dict[str, type[ImageEncoder]] = {}
_BUILT_IN_CAPTION_MODULES = (
    "multimodal.encoders.captions.small",
    "multimodal.encoders.captions.transformer",
    "multimodal.encoders.captions.cnn_attention",
    "multimodal.encoders.captions.fasttext",
    "multimodal.encoders.captions.hmemn2n",
    "multimodal.encoders.captions.lstm",
    "multimodal.encoders.captions.sa_lstm",
    "multimodal.encoders.captions.text_resnet",
)
_BUILT_IN_IMAGE_MODULES = ("multimodal.encoders.images.small", "multimodal.encoders.images.torchvision_models")


def register_caption_encoder(name: str) -> Callable[[CaptionEncoderType], CaptionEncoderType]:
    """Class decorator: make a caption encoder known under `name` (snake_case, unique)."""

    def add(encoder: CaptionEncoderType) -> CaptionEncoderType:
        if name in _CAPTION_ENCODERS and _CAPTION_ENCODERS[name] is not encoder:
            raise ValueError(f"a caption encoder named {name!r} is already registered")
        _CAPTION_ENCODERS[name] = encoder
        return encoder

    return add


def register_image_encoder(*names: str) -> Callable[[ImageEncoderType], ImageEncoderType]:
    """Class decorator: make an image encoder known under each of `names` (unique)."""

    def add(encoder: ImageEncoderType) -> ImageEncoderType:
        for name in names:
            if name in _IMAGE_ENCODERS and _IMAGE_ENCODERS[name] is not encoder:
                raise ValueError(f"an image encoder named {name!r} is already registered")
            _IMAGE_ENCODERS[name] = encoder
        return encoder

    return add


def list_caption_encoders() -> list[str]:
    """Return the names of all caption encoders, sorted."""
    for module in _BUILT_IN_CAPTION_MODULES:
        import_module(module)
    return sorted(_CAPTION_ENCODERS)


def list_image_encoders() -> list[str]:
    """Return the names of the registered image encoders, sorted; any timm model is known besides."""
    for module in _BUILT_IN_IMAGE_MODULES:
        import_module(module)
    return sorted(_IMAGE_ENCODERS)


def caption_encoder_defaults(name: object) -> dict[str, Any]:
    """Return the settings in which a caption encoder's defaults differ from those of `CaptionEncoderConfig`."""
    known = name in list_caption_encoders()
    return dict(_CAPTION_ENCODERS[str(name)].defaults) if known else {}


def get_caption_encoder(name: str) -> type[CaptionEncoder]:
    """Return the caption encoder registered under `name`.

    Raises:
        ConfigError: there is none; the message names the nearest and all that exist.
    """
    known = list_caption_encoders()
    if name not in known:
        raise ConfigError(f"unknown caption encoder {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
    return _CAPTION_ENCODERS[name]


def get_image_encoder(name: str) -> type[ImageEncoder]:
    """Return the image encoder registered under `name`, or the timm one.

    Raises:
        ConfigError: neither registered nor a timm model; the message names the nearest.
    """
    problem = image_encoder_problem(name)
    if problem:
        raise ConfigError(problem)
    if name in _IMAGE_ENCODERS:
        return _IMAGE_ENCODERS[name]
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
