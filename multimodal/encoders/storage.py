"""Save an encoder to a folder and read it back: `encoder.json` and safetensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders.configuration import CaptionEncoderConfig
from multimodal.encoders.hub import WHERE
from multimodal.storage.array_files import read_header, reason
from multimodal.storage.hub_names import what_is_there
from multimodal.storage.model_files import Form, checked, is_pickle
from multimodal.storage.run_folder import read_json, write_atomically, write_json

ModuleType = TypeVar("ModuleType", bound=nn.Module)

FORMAT_VERSION = 1
DESCRIPTION_FILE = "encoder.json"
WEIGHTS_FILE = "weights.safetensors"
_MOST_NAMED = 5
_DRAWING = {"normal_", "uniform_", "trunc_normal_", "kaiming_normal_", "kaiming_uniform_", "xavier_normal_",
            "xavier_uniform_", "orthogonal_", "truncated_normal_"}  # fmt: skip
_SECTION = "encoder.caption"
_WHAT = "weights"


class _Named(Form):
    name: str


class _Description(Form):
    config: _Named


def write_description(folder: Path, kind: str, values: dict[str, Any]) -> None:
    """Write `encoder.json`: a kind, "caption" or "image", and JSON values, at least `config`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / DESCRIPTION_FILE, {"format_version": FORMAT_VERSION, "kind": kind, **values})


def read_description(folder: Path, kind: str) -> dict[str, Any]:
    """Read `encoder.json`.

    Raises:
        RunError: the file is missing or damaged, or of another version or kind.
    """
    path, what = Path(folder) / DESCRIPTION_FILE, f"{kind} encoder"
    values = checked(path, what, read_json(path, what), dict[str, Any])
    if values.get("format_version") != FORMAT_VERSION:
        raise RunError(
            f"{path} has format version {values.get('format_version')!r:.40}; this release reads {FORMAT_VERSION}. "
            "Train again, or install the release that saved it."
        )
    if values.get("kind") != kind:
        raise RunError(f"{path} describes a {values.get('kind')!r:.40} encoder; expected {kind!r}.")
    checked(path, what, values, _Description)
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


class _WithoutValues(TorchFunctionMode):
    """Draws no values: on the device without memory that would load torch's compiler, for seconds and for nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _DRAWING or (name == "mul" and isinstance(args[1], float)):
            return (*args, *(kwargs or {}).values())[0]
        if name in ("rand", "randn"):
            return torch.empty(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


@contextmanager
def without_memory() -> Iterator[None]:
    """Make modules in a `with` block that have shapes only: their weights take no memory and have no values."""
    with torch.device("meta"), _WithoutValues():
        yield


def load_module(path: Path, make: Callable[[], ModuleType]) -> ModuleType:
    """Make a module and load its weights from a file that `save_weights` wrote.

    It is first made without memory, so that sizes that are not those of the file are refused before they cost any.

    Raises:
        RunError: see `read_tensors`.
    """
    with without_memory():
        check_tensors(path, make().state_dict())
    module = make()
    module.load_state_dict(read_tensors(path, module.state_dict()))
    return module


def check_tensors(path: Path, like: Mapping[str, Tensor]) -> None:
    """Refuse a safetensors file that does not hold tensors of the same names, shapes and types as `like`.

    Raises:
        RunError: the file is missing or damaged, or holds other tensors.
    """
    header = read_header(path, _WHAT)
    problem = mismatch(shapes_of(like), {name: shape for name, (_, shape) in header.items()})
    for name in () if problem else like:
        found, needed = header[name][0], str(like[name].dtype).removeprefix("torch.")
        problem = problem or ("" if found == needed else f"{name} is of type {found} where {needed} is needed")
    if problem:
        raise RunError(f"{path} does not fit its configuration: {problem}; train again.")


def read_tensors(path: Path, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read a safetensors file that has to hold finite tensors of the same names, shapes and types as `like`.

    Raises:
        RunError: the file is missing or damaged, or holds other tensors, or numbers that are not finite.
    """
    check_tensors(path, like)
    try:
        state: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} ({_WHAT}) is damaged ({error}); copy it again or train again.") from None
    problem = not_finite(state)
    if problem:
        raise RunError(f"{path} ({_WHAT}) is damaged: {problem}; copy it again or train again.")
    return state


def not_finite(tensors: Mapping[str, Tensor]) -> str:
    """Return which of some tensors has numbers that are not finite, or an empty string."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            kind = "NaN" if torch.isnan(tensor).any() else "infinite numbers"
            return f"{name} has {kind}, so nothing can be computed with these weights"
    return ""


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
    file, named = state_file(path, option), f"{option}.pretrained={str(path)!r}"
    try:
        state: dict[str, Any] = load_file(file) if file.suffix == ".safetensors" else _load_torch(file)
    except (SafetensorError, OSError) as error:
        disguised = file.suffix == ".safetensors" and is_pickle(file)
        problem = f"{reason(file, error)}; {pickle_remedy(file)}" if disguised else str(error)
        raise ConfigError(f"{named} cannot be read: {problem}") from None
    for key in ("state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    if not state or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()):
        raise ConfigError(f"{named} does not hold a state dictionary (names and tensors).")
    problem = not_finite(state)
    if problem:
        raise ConfigError(f"{named} cannot be used: {problem}.")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def pickle_remedy(path: Path) -> str:
    """Return what to do about weights that are a pickle."""
    target = path.with_suffix(".safetensors") if path.suffix != ".safetensors" else path.with_suffix(".new.safetensors")
    return (
        "convert it to safetensors, which runs whatever is in it, so only if you trust its author: "
        'python -c "import torch; from safetensors.torch import save_file; '
        f"c = torch.load('{path}', weights_only=False); c = c if isinstance(c, dict) else c.state_dict(); "
        f"save_file(c.get('state_dict', c), '{target}')\""
    )


def mismatch(like: Mapping[str, tuple[int, ...]], state: Mapping[str, tuple[int, ...]]) -> str:
    """Return how the shapes of a state dictionary differ from those that are needed, or an empty string."""
    shapes = [
        f"{name} {tuple(state[name])} where {tuple(like[name])} is needed"
        for name in like
        if name in state and state[name] != like[name]
    ]
    parts = {
        "missing": [name for name in like if name not in state],
        "unexpected": [name for name in state if name not in like],
        "of another shape": shapes,
    }
    return "; ".join(f"{len(names)} {what}: {_first(names)}" for what, names in parts.items() if names)


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


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
    except pickle.UnpicklingError:
        raise OSError(
            f"it holds more than tensors, and code in a weights file is never run; {pickle_remedy(path)}"
        ) from None
    except Exception as error:
        raise OSError(f"it is damaged, or no file of torch ({type(error).__name__}: {error})") from error
    if not isinstance(state, dict):
        raise OSError(f"it holds {type(state).__name__}, not a state dictionary")
    return state
