"""Checkpoints: written completely or not at all; the newest and the best are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_loaders.errors import RunError
from multimodal.storage.state_dict_json import state_dict_from_json, state_dict_to_json

STATE, TENSORS = "state.json", "tensors.safetensors"
OPTIMISER, OPTIMISER_TENSORS = "optimiser.json", "optimiser.safetensors"


def save_checkpoint(
    folder: Path, name: str, state: dict[str, Any], tensors: dict[str, Tensor], optimiser: dict[str, Any] | None = None
) -> None:
    """Write `folder/name-STEP` in one step, then remove older ones of the same name.

    Args:
        folder: the checkpoints folder.
        name: kind of checkpoint, for instance "last" or "best".
        state: plain values; `state["step"]` names the checkpoint.
        tensors: saved as safetensors.
        optimiser: state dict of the optimiser, if it is to be saved.

    Raises:
        RunError: it could not be written (disk full, no permission); earlier checkpoints are untouched.
    """
    target = folder / f"{name}-{int(state['step']):09d}"
    temporary = folder / f".{target.name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        _write_tensors(tensors, temporary / TENSORS)
        if optimiser is not None:
            inner: dict[str, Tensor] = {}
            (temporary / OPTIMISER).write_text(json.dumps(state_dict_to_json(optimiser, inner)), encoding="utf-8")
            _write_tensors(inner, temporary / OPTIMISER_TENSORS)
        (temporary / STATE).write_text(json.dumps(state), encoding="utf-8")
        _put_in_place(temporary, target)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RunError(f"checkpoint {target} could not be written ({error}); earlier checkpoints are kept.") from error
    for path in [*_complete(folder, name), *folder.glob(f".{name}-*")]:
        if path != target:
            shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Any] | None] | None:
    """Return state, tensors and optimiser state of the newest complete checkpoint, or None if there is none.

    Raises:
        RunError: the newest checkpoint is damaged.
    """
    paths = _complete(folder, name)
    if not paths:
        return None
    path = paths[-1]
    try:
        state = json.loads((path / STATE).read_text(encoding="utf-8"))
        tensors = load_file(path / TENSORS)
        optimiser = None
        if (path / OPTIMISER).exists():
            packed = json.loads((path / OPTIMISER).read_text(encoding="utf-8"))
            optimiser = state_dict_from_json(packed, load_file(path / OPTIMISER_TENSORS))
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(
            f"checkpoint {path} cannot be read ({error}); delete that folder to resume from an earlier one, or start "
            "over with --overwrite."
        ) from error
    return state, tensors, optimiser


def _write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    # Cloned: safetensors refuses tensors that share memory, as tied weights do.
    save_file({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, path)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Rename; an existing checkpoint is deleted only after the new one is in place."""
    if not target.exists():
        temporary.rename(target)
        return
    replaced = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    target.rename(replaced)
    try:
        temporary.rename(target)
    except OSError:
        replaced.rename(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _complete(folder: Path, name: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"{name}-*") if (path / STATE).exists())
