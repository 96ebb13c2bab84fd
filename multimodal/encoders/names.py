"""The names of all encoders, with the modules behind them; nothing is imported before it is needed."""

from __future__ import annotations

from typing import Any

from data_loaders.errors import ConfigError
from data_loaders.registry import Registry, unknown_name

_CAPTION_MODULES = {
    "cnn_attention": "multimodal.encoders.captions.cnn_attention",
    "fasttext": "multimodal.encoders.captions.fasttext",
    "hmemn2n": "multimodal.encoders.captions.hmemn2n",
    "lstm": "multimodal.encoders.captions.lstm",
    "sa_lstm": "multimodal.encoders.captions.sa_lstm",
    "small": "multimodal.encoders.captions.small",
    "text_resnet": "multimodal.encoders.captions.text_resnet",
    "transformer": "multimodal.encoders.captions.transformer",
}
_IMAGE_MODULES = {
    "resnet50": "multimodal.encoders.images.torchvision_models",
    "small": "multimodal.encoders.images.small",
    "vgg16": "multimodal.encoders.images.torchvision_models",
}

CAPTION_ENCODERS: Registry[Any] = Registry("caption encoder", _CAPTION_MODULES)
CAPTION_SCHEMAS: Registry[Any] = Registry(
    "caption encoder", dict.fromkeys(_CAPTION_MODULES, "multimodal.encoders.captions.schemas")
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
