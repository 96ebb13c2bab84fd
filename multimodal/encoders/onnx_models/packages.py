"""The optional packages, with a message where one is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from data_loaders.errors import UserError


def needed(name: str) -> Any:
    """Return a module of the packages onnx, onnxruntime and onnxscript.

    Raises:
        UserError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise UserError(
            f"ONNX needs the package {error.name!r}, which is not installed: pip install 'multimodal-hashtags[onnx]'."
        ) from None
