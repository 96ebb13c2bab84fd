"""The names of all encoders, with the modules behind them; nothing is imported before it is needed."""

from __future__ import annotations

from typing import Any

from data_loaders.errors import ConfigError
from data_loaders.registry import Registry, unknown_name

_CAPTION_NAMES = ("cnn_attention", "fasttext", "hmemn2n", "lstm", "sa_lstm", "small", "text_resnet", "transformer")
_IMAGE_MODULES = {
    "resnet50": "multimodal.encoders.images.torchvision_models",
    "small": "multimodal.encoders.images.small",
    "vgg16": "multimodal.encoders.images.torchvision_models",
}

CAPTION_ENCODERS: Registry[Any] = Registry(
    "caption encoder", {name: f"multimodal.encoders.captions.{name}" for name in _CAPTION_NAMES}
)
CAPTION_SCHEMAS: Registry[Any] = Registry(
    "caption encoder", dict.fromkeys(_CAPTION_NAMES, "multimodal.encoders.captions.schemas")
)
IMAGE_ENCODERS: Registry[Any] = Registry("image encoder", _IMAGE_MODULES)


def check_image_encoder(name: str) -> str:
    """Return the name of an image encoder: a registered one, or a model of timm.

    Raises:
        ConfigError: it is neither; the message suggests the nearest name.
    """
    registered = IMAGE_ENCODERS.names()
    if name in registered:
        return name
    import timm

    if timm.is_model(name):
        return name
    problem = unknown_name("image encoder", name, registered, timm.list_models())
    raise ConfigError(f"{problem.removesuffix('.')}, and every name of timm.list_models().")
