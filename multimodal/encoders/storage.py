"""Save an encoder to a folder and read it back: `encoder.json` and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders.configuration import CaptionEncoderConfig
from multimodal.encoders.hub import WHERE
from multimodal.storage.hub_names import what_is_there
from multimodal.storage.run_folder import read_json, write_atomically, write_json

FORMAT_VERSION = 1
DESCRIPTION_FILE = "encoder.json"
WEIGHTS_FILE = "weights.safetensors"
_MOST_NAMED = 5
_SECTION = "encoder.caption"


def write_description(folder: Path, kind: str, values: dict[str, Any]) -> None:
    """Write `encoder.json`: a kind, "caption" or "image", and JSON values, at least `config`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / DESCRIPTION_FILE, {"format_version": FORMAT_VERSION, "kind": kind, **values})


def read_description(folder: Path, kind: str) -> dict[str, Any]:
    """Read `encoder.json`.

    Raises:
        RunError: the file is missing or damaged, or of another version or kind.
    """
    path = Path(folder) / DESCRIPTION_FILE
    values: dict[str, Any] = read_json(path, f"{kind} encoder")
    if values.get("format_version") != FORMAT_VERSION:
        raise RunError(
            f"{path} has format version {values.get('format_version')!r}; this release reads {FORMAT_VERSION}. "
            "Train again, or install the release that saved it."
        )
    if values.get("kind") != kind:
        raise RunError(f"{path} describes a {values.get('kind')!r} encoder; expected {kind!r}.")
    return values


def encoder_folder(path: str | Path) -> Path | None:
    """Return the caption encoder's folder, given it, a run folder or a model folder; None if there is none."""
    folder = Path(path).expanduser()
    candidates = (folder, folder / "caption_encoder", folder / "model" / "caption_encoder")
    return next((candidate for candidate in candidates if (candidate / DESCRIPTION_FILE).is_file()), None)


def trained_encoder(config: CaptionEncoderConfig) -> Path:
    """Return the folder that `config.pretrained` names.

    Raises:
        ConfigError: it holds no caption encoder, or not one named `config.name`.
        RunError: the encoder is damaged.
    """
    option = f"{_SECTION}.pretrained={config.pretrained!r}"
    folder = encoder_folder(config.pretrained or "")
    if folder is None:
        raise ConfigError(
            f"{option}: no trained caption encoder found. Give the folder of a finished run, for instance of: "
            f"multimodal-hashtags train --config {config.name} --data data/prepared --output runs/NAME"
        )
    name = read_description(folder, "caption").get("config", {}).get("name")
    if name != config.name:
        raise ConfigError(f"{option} holds the encoder {name!r}; set {_SECTION}.name={name}.")
    return folder


def save_weights(path: Path, module: nn.Module) -> None:
    """Write a module's weights atomically as safetensors.

    Raises:
        RunError: the file cannot be written; an existing file is kept.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    write_atomically(path, lambda temporary: _save(tensors, temporary))


def load_weights(path: Path, module: nn.Module) -> None:
    """Load the weights of a module from a file that `save_weights` wrote.

    Raises:
        RunError: see `read_tensors`.
    """
    module.load_state_dict(read_tensors(path, module.state_dict()))


def read_tensors(path: Path, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read a safetensors file that has to hold tensors of the same names and shapes as `like`.

    Raises:
        RunError: the file is missing or damaged, or holds other tensors.
    """
    if not path.is_file():
        raise RunError(f"{path} (weights) is missing; the folder is partial, copy it again or train again.")
    try:
        state: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} (weights) is damaged ({error}); copy it again or train again.") from None
    problem = mismatch(like, state)
    if problem:
        raise RunError(f"{path} does not fit its configuration: {problem}; train again.")
    return state


def state_file(path: str | Path, option: str) -> Path:
    """Return the path of a state dictionary that the user named.

    Raises:
        ConfigError: it does not exist.
    """
    file = Path(path).expanduser()
    if file.is_file():
        return file
    raise ConfigError(
        f"{option}.pretrained={str(path)!r}: there is no such file; give a .safetensors or .pth file."
        f"{what_is_there(file)} {WHERE}"
    )


def read_state(path: str | Path, option: str) -> dict[str, Tensor]:
    """Read a state dictionary that the user named: safetensors, or a torch file that contains only tensors.

    Args:
        path: the file; a torch checkpoint may hold the weights under `state_dict` or `model`.
        option: the configuration key, for the message.

    Raises:
        ConfigError: the file is missing or unreadable, or loading it would run code.
    """
    file = state_file(path, option)
    try:
        state: dict[str, Any] = load_file(file) if file.suffix == ".safetensors" else _load_torch(file)
    except (SafetensorError, OSError, RuntimeError, EOFError, KeyError) as error:
        raise ConfigError(f"{option}.pretrained={str(path)!r} cannot be read: {error}") from None
    for key in ("state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    if not state or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ConfigError(f"{option}.pretrained={str(path)!r} does not hold a state dictionary (names and tensors).")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def mismatch(like: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Return how a state dictionary differs from the one that is needed, or an empty string."""
    shapes = [
        f"{name} {tuple(state[name].shape)} where {tuple(like[name].shape)} is needed"
        for name in like
        if name in state and state[name].shape != like[name].shape
    ]
    parts = {
        "missing": [name for name in like if name not in state],
        "unexpected": [name for name in state if name not in like],
        "of another shape": shapes,
    }
    return "; ".join(f"{len(names)} {what}: {_first(names)}" for what, names in parts.items() if names)


def _first(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _load_torch(path: Path) -> dict[str, Any]:
    import pickle

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise OSError(
            f"it holds more than tensors, and code in a weights file is never run; "
            f"convert it to safetensors ({str(error).splitlines()[0]})"
        ) from None
    if not isinstance(state, dict):
        raise OSError(f"it holds {type(state).__name__}, not a state dictionary")
    return state
