"""The model folder: all that `recommend` needs, in JSON and safetensors, written completely or not at all."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from safetensors import SafetensorError

from data_loaders import __version__
from data_loaders.command_line import command_line
from data_loaders.errors import RunError, UserError, full_disk
from data_loaders.output_folder import atomic_folder, restore
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.memory_files import ARRAYS_FILE, POSTS_FILE, read_memory, write_memory
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.calibration import Calibration
from multimodal.storage.checksums import check_checksums, with_checksums
from multimodal.storage.model_files import Count, Form, Hashtags, Number, checked, read_json_as
from multimodal.storage.run_folder import FORMAT_VERSION, RunFolder, read_json, write_json
from multimodal.systems.base import System
from multimodal.systems.config_loading import validate_config
from multimodal.systems.hub import download_model, looks_like_hub_id
from multimodal.systems.registry import get_system

_INFO, _VOCABULARY = "model.json", "vocabulary.json"
_MOST_SHOWN, _TRIAL_WORDS = 600, 5
_TRAIN = command_line("train", "--config", "sample", "--data", "data/prepared", "--output")


class _Calibration(Form):
    scores: list[float]
    chances: list[float]
    outside: Annotated[Number, Field(ge=0)] | None = None
    depth: Annotated[int, Field(ge=1, le=10_000)] = 10
    spread: Annotated[Number, Field(ge=0, le=10)] = 0.0


class _Info(Form):
    system: str
    config: dict[str, Any]
    checksums: dict[str, str] = Field(default_factory=dict)
    calibration: _Calibration | None = None


class _Vocabulary(Form):
    hashtags: Hashtags
    frequencies: list[Count]


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
        return run_of_model(self.folder)


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
        **({} if system.calibration is None else {"calibration": system.calibration.as_values()}),
        "config": system.config.model_dump(mode="json"),
    }
    try:
        with atomic_folder(folder) as part:
            _write_vocabulary(part / _VOCABULARY, system.id_map)
            write_memory(part, memory)
            system.save(part)
            write_json(part / _INFO, with_checksums(part, _INFO, info))
    except (OSError, SafetensorError, UserError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        kept = " The model that was there is kept." if folder.exists() else ""
        raise RunError(
            f"the model could not be written to {folder}: {cause}.{kept}{full_disk(error, folder)}"
        ) from error


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


def load_model(path: str | Path, *, revision: str | None = None, local_files_only: bool = False) -> LoadedModel:
    """Read a model from a run folder, from its `model/` folder, or from the Hugging Face Hub.

    Nothing of a model is trusted: its files are compared with their checksums and checked for what they have to hold.

    Args:
        path: the folder; a Hub id such as `name/repository` or `name/repository@revision` where no such folder exists.
        revision: of a Hub id: branch, tag or commit.
        local_files_only: of a Hub id: ask no network.

    Raises:
        RunError: there is no model, a file is missing or damaged, files do not fit each other, or the format version is
            another.
        ConfigError: its configuration is not valid.
    """
    folder = find_model(path, revision, local_files_only)
    info = _read_info(folder)
    config = validate_config(info["config"], str(folder / _INFO))
    if info["system"] != config.system:
        raise RunError(f"{folder / _INFO} is damaged: it names the systems {info['system']!r} and {config.system!r}.")
    intact = check_checksums(folder, _INFO, info)
    with _as_run_error(folder, intact):
        system = get_system(config.system).load(folder, config, _read_vocabulary(folder / _VOCABULARY))
        memory = read_memory(folder, system.new_memory())
        system.check_memory(memory)
        if info.get("calibration") is not None:
            system.calibration = Calibration.of_values(info["calibration"])
        _check_answer(system)
    return LoadedModel(system, memory, config, info, folder)


def _read_vocabulary(path: Path) -> HashtagIdMap:
    vocabulary = read_json_as(path, "the train vocabulary", _Vocabulary)
    hashtags, frequencies = vocabulary.hashtags, vocabulary.frequencies
    if len(hashtags) != len(frequencies):
        raise RunError(f"{path} is damaged: it has {len(frequencies)} frequencies for {len(hashtags)} hashtags.")
    return HashtagIdMap(hashtags, frequencies)


def _check_answer(system: System) -> None:
    """Answer for one post, so that what nothing can be computed with is noticed now, and not by whoever asks.

    Raises:
        RunError: there is no answer, or a score that is not finite.
    """
    names = system.id_map.names[: system.id_map.vocabulary_size]
    # Hashtags are also words of captions, so the caption is one that the System knows something of.
    post = Post(post_id="trial", caption=" ".join(["a", *names[:_TRIAL_WORDS]]))
    scores = [score for ranking in system.rank([post], system.new_memory(), 1) for _, score in ranking]
    if len(scores) < min(len(names), 1) or not all(map(math.isfinite, scores)):
        raise RunError("its answers are not finite numbers: its weights are too large, or not those that were learned.")


def _read_info(folder: Path) -> dict[str, Any]:
    info = read_json(folder / _INFO, "what the model is")
    version = info.get("format_version") if isinstance(info, dict) else None
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise RunError(
            f"{folder} has a model of format version {version!r:.40}; this program reads version {FORMAT_VERSION}. "
            f"Train again ({_TRAIN} …) or install the version of the program that wrote it"
            f" ({info.get('package_version', 'unknown') if isinstance(info, dict) else 'unknown'!s:.40})."
        )
    missing = [name for name in (_VOCABULARY, ARRAYS_FILE, POSTS_FILE) if not (folder / name).exists()]
    if missing or not {"system", "config"} <= info.keys():
        what = ", ".join(missing) or f"keys of {_INFO}"
        raise RunError(
            f"{folder} is not a complete model: {what} missing. Train again: {_TRAIN} {run_of_model(folder).path}"
        )
    checked(folder / _INFO, "what the model is", info, _Info)
    return dict(info)


@contextmanager
def _as_run_error(folder: Path, intact: bool) -> Iterator[None]:
    """Turn whatever a model's files make fail, in this program or in a library, into an error that names the model."""
    try:
        yield
    except RunError as error:
        named = str(error) if str(folder) in str(error) else f"the model in {folder} cannot be used: {error}"
        raise RunError(f"{named} {_verdict(folder, intact)}") from error
    except ModuleNotFoundError as error:
        raise RunError(
            f"the model in {folder} needs the package {error.name!r}, which is not installed here: pip install "
            f"{error.name}"
        ) from error
    except Exception as error:
        problem = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        shown = textwrap.shorten(problem, _MOST_SHOWN, placeholder=" …")
        raise RunError(f"the model in {folder} cannot be loaded: {shown}. {_verdict(folder, intact)}") from error


def _verdict(folder: Path, intact: bool) -> str:
    if intact:
        return (
            f"Every file of {folder} is as it was saved (the checksums in {_INFO} match), so this is not damage: the "
            "model was put together wrongly, perhaps on purpose. Do not use it, or train again."
        )
    again = f"{_TRAIN} {run_of_model(folder).path}"
    return f"The model has no checksums, so it cannot be told how that came about. Train again: {again}"


def find_model(path: str | Path, revision: str | None = None, local_files_only: bool = False) -> Path:
    """Return the model folder that a path or Hub id names; see `load_model`.

    Raises:
        RunError: there is none, or a folder is given with a revision; the message says what is there instead and how
            to make a model.
    """
    folder = Path(path)
    if not folder.exists() and looks_like_hub_id(str(path)):
        folder = download_model(str(path), revision, local_files_only)
        if not (folder / _INFO).is_file():
            raise RunError(f"{str(path)!r} on the Hugging Face Hub holds no model of this program: it has no {_INFO}.")
    elif revision is not None:
        raise RunError(f"revision: {revision!r} is for models of the Hugging Face Hub; {str(path)!r} is not one.")
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


def run_of_model(folder: Path) -> RunFolder:
    """Return the run folder that a model folder belongs to; the folder itself if it is not inside of one."""
    return RunFolder(folder.parent if folder.name == "model" else folder)
