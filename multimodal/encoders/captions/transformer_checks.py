"""Checks of a model folder of the transformers library, before and after the library reads it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn

from data_loaders.errors import ConfigError
from multimodal.encoders.captions.tokenizer import check_token_numbers
from multimodal.encoders.hub import CONVERT
from multimodal.encoders.storage import not_finite
from multimodal.storage.array_files import read_header
from multimodal.storage.model_files import checked, require_file
from multimodal.storage.run_folder import read_json

_WHAT = "text encoder"

# Keys that make the library fetch code (kernels) or need further packages.
_QUANTISED = "quantization_config"
_ATTENTION = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")
_OWN_ATTENTION = (None, "eager", "sdpa")
_TOKENIZER = "tokenizer.json"
_ADAPTER = "adapter_config.json"
# What a sentence encoder was trained on, which nothing reads.
_TRAINING_DATA = "data_config.json"
# What a library makes one by one: with these numbers, building the network would not end.
_COUNTED = ("layer", "block", "depth", "stage", "group", "expert", "label", "head")
_MOST_COUNTED = 10_000
_MOST = 2**31
# A head that the file lacks is initialised, and weights may be shared.
_SPARE, _SPARE_NUMBERS = 4, 10_000_000


def check_folder(folder: Path) -> None:
    """Refuse a folder with a configuration that fetches code or would take for ever, or with anything but files.

    Args:
        folder: in the transformers layout.

    Raises:
        ConfigError: it is refused.
        RunError: a configuration is damaged, or something is not a regular file.
    """
    for path in sorted(path for path in folder.iterdir() if not path.is_dir()):
        require_file(path, _WHAT)
    for path in sorted(path for path in folder.glob("*config.json") if path.name != _TRAINING_DATA):
        for key, value in _items(checked(path, _WHAT, read_json(path, _WHAT), dict[str, Any])):
            _check_item(path, key, value)
    if (folder / _TOKENIZER).exists():
        tokenizer = read_json(folder / _TOKENIZER, _WHAT)
        check_token_numbers(folder / _TOKENIZER, checked(folder / _TOKENIZER, _WHAT, tokenizer, dict[str, Any]))
    if (folder / _ADAPTER).exists():
        raise ConfigError(f"{_ADAPTER} refers to another model; merge the adapter into it and save that.")


def count_numbers(folder: Path) -> int:
    """Return how many numbers the weights of a folder hold, without reading them.

    Raises:
        ConfigError: it has no weights, or pickled ones only.
        RunError: the weights are damaged.
    """
    files = sorted(folder.glob("*.safetensors"))
    if files:
        headers = [read_header(path, "weights") for path in files]
        return sum(math.prod(shape) for header in headers for _, shape in header.values())
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
    if pickles:
        raise ConfigError(
            f"its weights {pickles[0]} are a pickle, which can run code when it is read, so it never is. "
            + CONVERT.format(folder=str(folder))
        )
    raise ConfigError("it has no model.safetensors.")


def check_size(model: Any, numbers: int) -> None:
    """Refuse a configuration of a network that is far larger than its weights.

    Args:
        model: made without memory (on the device `meta`).
        numbers: how many the weights hold.

    Raises:
        ConfigError: it would take much more memory than the weights.
    """
    needed = sum(parameter.numel() for parameter in model.parameters())
    if needed > _SPARE * numbers + _SPARE_NUMBERS:
        raise ConfigError(f"its config.json describes a network of {needed:,} numbers, its weights hold {numbers:,}.")


def check_loaded(model: Any, tokenizer: Any) -> None:
    """Refuse weights that are not finite, and a tokenizer with tokens that the network does not have.

    Raises:
        ConfigError: it is refused.
    """
    problem = not_finite(dict(model.named_parameters()))
    if problem:
        raise ConfigError(f"{problem}.")
    largest, table = max(tokenizer.get_vocab().values(), default=0), model.get_input_embeddings()
    if isinstance(table, nn.Embedding) and largest >= table.num_embeddings:
        raise ConfigError(
            f"its tokenizer has a token number {largest:,}, the network has {table.num_embeddings:,} tokens."
        )


def _check_item(path: Path, key: str, value: Any) -> None:
    if key == _QUANTISED and value:
        raise ConfigError(f"its weights are quantised (`{key}` in {path.name}); give a model in full precision.")
    if key in _ATTENTION and value not in _OWN_ATTENTION:
        raise ConfigError(f"`{key}` in {path.name} names {value!r:.60}, which may be fetched; remove it.")
    if path.name != "config.json" or isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    most = _MOST_COUNTED if isinstance(value, int) and any(part in key for part in _COUNTED) else _MOST
    if not abs(value) <= most or (most == _MOST_COUNTED and value < 0):
        raise ConfigError(f"{key}={value!r:.40} in {path.name} is out of range: at most {most:,}.")


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of nested objects with its value; the members of a list by the list's key."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        key, value = waiting.pop()
        if key:
            yield key, value
        if isinstance(value, dict):
            waiting.extend((str(name), one) for name, one in value.items())
        elif isinstance(value, list):
            waiting.extend((key, one) for one in value)
