"""The model folder: all that `recommend` needs, in JSON and safetensors, written completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from data_loaders.command_line import command_line
from data_loaders.errors import RunError, UserError
from data_loaders.output_folder import atomic_folder, restore
from multimodal._version import __version__
from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.storage.run_folder import FORMAT_VERSION, RunFolder, read_json, write_json
from multimodal.systems.base import System
from multimodal.systems.config_loading import validate_config
from multimodal.systems.hub import download_model, looks_like_hub_id
from multimodal.systems.registry import get_system

_INFO, _VOCABULARY, _MEMORY, _POSTS = "model.json", "vocabulary.json", "memory.safetensors", "memory.json"
_TRAIN = command_line("train", "--config", "sample", "--data", "data/prepared", "--output")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A System ready to recommend.

    Attributes:
        system: fitted.
        memory: the posts that were saved with it; after training, the train split.
        config: of the System.
        info: the content of `model.json`.
        folder: the model folder.
    """

    system: System
    memory: PostMemory
    config: RunConfig
    info: dict[str, Any]
    folder: Path

    @property
    def run(self) -> RunFolder:
        """The run folder that the model belongs to; the model's own folder if it is not inside a run folder."""
        return _run_of(self.folder)


def save_model(folder: Path, system: System, memory: PostMemory, extra: Mapping[str, Any] | None = None) -> None:
    """Write a System and its memory; the folder is replaced in one step after everything is written.

    Args:
        folder: the model folder, created or replaced.
        system: a fitted System.
        memory: posts known when serving; after training, the train split and nothing later.
        extra: plain values to add to `model.json`.

    Raises:
        RunError: the disk is full or the folder cannot be written; what was there before is untouched.
    """
    info = {
        "format_version": FORMAT_VERSION,
        "system": system.name,
        "package_version": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **(extra or {}),
        "config": system.config.model_dump(mode="json"),
    }
    try:
        with atomic_folder(folder) as part:
            _write_vocabulary(part / _VOCABULARY, system.id_map)
            _write_memory(part, memory)
            system.save(part)
            write_json(part / _INFO, info)
    except (OSError, SafetensorError, UserError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        kept = " The model that was there is kept." if folder.exists() else ""
        raise RunError(f"the model could not be written to {folder}: {cause}.{kept}") from error


def _write_vocabulary(path: Path, id_map: HashtagIdMap) -> None:
    size = id_map.vocabulary_size
    frequencies = id_map.frequencies.tolist()
    write_json(
        path,
        {
            "minimum_frequency": min(frequencies, default=1),
            "hashtags": list(id_map.names[:size]),
            "frequencies": frequencies,
        },
    )


def _write_memory(folder: Path, memory: PostMemory) -> None:
    arrays, values = memory.state()
    further = list(memory.id_map.names[memory.id_map.vocabulary_size :])
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / _MEMORY)
    write_json(folder / _POSTS, {**values, "further_hashtags": further})


def load_model(path: str | Path) -> LoadedModel:
    """Read a model from a run folder, from its `model/` folder, or from the Hugging Face Hub.

    Args:
        path: the folder; a Hub id such as `name/repository` where no such folder exists.

    Raises:
        RunError: there is no model, a file is missing or damaged, or the format version is another.
    """
    folder = find_model(path)
    info = read_json(folder / _INFO, "what the model is")
    version = info.get("format_version") if isinstance(info, dict) else None
    if version != FORMAT_VERSION:
        raise RunError(
            f"{folder} has a model of format version {version!r}; this program reads version {FORMAT_VERSION}. "
            f"Train again ({_TRAIN} …) or install the version of the program that wrote it"
            f" ({info.get('package_version', 'unknown') if isinstance(info, dict) else 'unknown'})."
        )
    missing = [name for name in (_VOCABULARY, _MEMORY, _POSTS) if not (folder / name).is_file()]
    if missing or not {"system", "config"} <= info.keys():
        what = ", ".join(missing) or f"keys of {_INFO}"
        raise RunError(
            f"{folder} is not a complete model: {what} missing. Train again: {_TRAIN} {_run_of(folder).path}"
        )
    config = validate_config(info["config"], str(folder / _INFO))
    vocabulary = read_json(folder / _VOCABULARY, "the train vocabulary")
    hashtags, frequencies = vocabulary["hashtags"], vocabulary["frequencies"]
    system = get_system(info["system"]).load(folder, config, HashtagIdMap(hashtags, frequencies))
    memory = _read_memory(folder, HashtagIdMap(hashtags, frequencies))
    return LoadedModel(system, memory, config, info, folder)


def _read_memory(folder: Path, id_map: HashtagIdMap) -> PostMemory:
    values = read_json(folder / _POSTS, "the remembered posts")
    try:
        arrays = load_file(folder / _MEMORY)
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"{folder / _MEMORY} is damaged: {error}. Train again: {_TRAIN} {_run_of(folder).path}"
        ) from error
    id_map.add(values["further_hashtags"])
    return PostMemory.from_state(arrays, values, id_map)


def find_model(path: str | Path) -> Path:
    """Return the model folder that a path or Hub id names.

    Raises:
        RunError: there is none; the message says what is there instead and how to make a model.
    """
    folder = Path(path)
    if not folder.exists() and looks_like_hub_id(str(path)):
        folder = download_model(str(path))
    if not folder.is_dir():
        what = "is a file, not a run folder" if folder.exists() else "does not exist"
        raise RunError(f"run folder {str(path)!r} {what}. Train a model: {_TRAIN} {path}")
    for candidate in (folder, RunFolder(folder).model):
        restore(candidate)
        if (candidate / _INFO).is_file():
            return candidate
    run = RunFolder(folder)
    missing = f"{folder} has no model ({run.model / _INFO} is missing)"
    if run.config.is_file():
        raise RunError(f"{missing}: its training has not finished. Continue: {_resume_command(run)}")
    raise RunError(f"{missing}: it is not a run folder. Train: {_TRAIN} {folder}")


def _resume_command(run: RunFolder) -> str:
    try:
        data = str(read_json(run.environment, "how the run was started")["data"]["folder"])
    except (RunError, KeyError, TypeError):
        data = "data/prepared"  # an example, because the run does not say what it was trained on
    return command_line("train", "--resume", "--data", data, "--output", run.path)


def _run_of(folder: Path) -> RunFolder:
    return RunFolder(folder.parent if folder.name == "model" else folder)
