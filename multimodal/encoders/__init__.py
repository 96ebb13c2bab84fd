"""Caption and image encoders, their configuration and preprocessing, and the cache of frozen encoders' features."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multimodal.encoders.base import CaptionEncoder, Encoder, ImageEncoder
    from multimodal.encoders.configuration import CaptionEncoderConfig, ImageEncoderConfig
    from multimodal.encoders.preprocessing import Augmentation, ImagePreprocessing
    from multimodal.encoders.registry import (
        build_caption_encoder,
        build_image_encoder,
        list_caption_encoders,
        list_image_encoders,
        load_caption_encoder,
        load_image_encoder,
        missing_weights,
        register_caption_encoder,
        register_image_encoder,
    )

__all__ = [
    "Augmentation",
    "CaptionEncoder",
    "CaptionEncoderConfig",
    "Encoder",
    "ImageEncoder",
    "ImageEncoderConfig",
    "ImagePreprocessing",
    "build_caption_encoder",
    "build_image_encoder",
    "list_caption_encoders",
    "list_image_encoders",
    "load_caption_encoder",
    "load_image_encoder",
    "missing_weights",
    "register_caption_encoder",
    "register_image_encoder",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: checking a configuration needs no torch.
    if name in __all__:
        for module in ("configuration", "base", "preprocessing", "registry"):
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
