"""Checkpoints: written completely or not at all; the newest two of each kind are kept."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any, TypeAlias

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_loaders.errors import RunError, full_disk
from data_loaders.output_folder import replace_folder, settle, temporary_beside
from multimodal.storage.state_dict_json import state_dict_from_json, state_dict_to_json

logger = logging.getLogger(__name__)

STATE, TENSORS = "state.json", "tensors.safetensors"
OPTIMISER, OPTIMISER_TENSORS = "optimiser.json", "optimiser.safetensors"


Checkpoint: TypeAlias = tuple[dict[str, Any], dict[str, Tensor], dict[str, Any] | None]


def save_checkpoint(
    folder: Path, name: str, state: dict[str, Any], tensors: dict[str, Tensor], optimiser: dict[str, Any] | None = None
) -> None:
    """Write `folder/name-STEP` in one step, wait until the disk has it, then remove all but this and the one before.

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
    temporary = temporary_beside(target)
    try:
        temporary.mkdir(parents=True)
        _write_tensors(tensors, temporary / TENSORS)
        if optimiser is not None:
            inner: dict[str, Tensor] = {}
            (temporary / OPTIMISER).write_text(json.dumps(state_dict_to_json(optimiser, inner)), encoding="utf-8")
            _write_tensors(inner, temporary / OPTIMISER_TENSORS)
        (temporary / STATE).write_text(json.dumps(state), encoding="utf-8")
        settle(temporary)
        replace_folder(temporary, target)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RunError(
            f"checkpoint {target} could not be written ({error}); earlier checkpoints are kept."
            f"{full_disk(error, target)}"
        ) from error
    complete = _complete(folder, name)
    kept = [path for path in complete if path.name <= target.name][-2:]
    for path in (*complete, *folder.glob(f".{name}-*")):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(folder: Path, name: str, epoch: int | None = None) -> Checkpoint | None:
    """Return state, tensors and optimiser state of the newest checkpoint that can be read, or None if there is none.

    Args:
        folder: the checkpoints folder.
        name: kind of checkpoint.
        epoch: only a checkpoint with this `state["epoch"]` will do.

    Raises:
        RunError: there are checkpoints, but none can be read.
    """
    problems: list[str] = []
    for path in reversed(_complete(folder, name)):
        try:
            checkpoint = _read(path)
        except (OSError, ValueError, SafetensorError) as error:
            problems.append(f"checkpoint {path} cannot be read ({error})")
            continue
        if epoch is None or checkpoint[0]["epoch"] == epoch:
            if problems:
                logger.warning("%s; going on from the earlier %s", "; ".join(problems), path.name)
            return checkpoint
    if problems:
        raise RunError(f"{'; '.join(problems)}, and there is no other to go on from; start over with --overwrite.")
    return None


def _read(path: Path) -> Checkpoint:
    state = json.loads((path / STATE).read_text(encoding="utf-8"))
    tensors = load_file(path / TENSORS)
    if not (path / OPTIMISER).exists():
        return state, tensors, None
    packed = json.loads((path / OPTIMISER).read_text(encoding="utf-8"))
    return state, tensors, state_dict_from_json(packed, load_file(path / OPTIMISER_TENSORS))


def _write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    # Cloned: safetensors refuses tensors that share memory, as tied weights do.
    save_file({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, path)


def _complete(folder: Path, name: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"{name}-*") if (path / STATE).exists())
