"""Opening a run folder: new, to go on with, or not to be touched."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from data_loaders.errors import ConfigError, RunError, some_of
from data_loaders.output_folder import check_name, temporary_beside
from multimodal.config import YAML_ERRORS, RunConfig, dump_config
from multimodal.storage.run_folder import LOCK, RunFolder, read_json, write_atomically

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)

# What is left where a process was killed while it wrote or deleted config.yaml; it marks a folder as a run's.
_HALF_CONFIG = re.compile(r"\.config\.yaml\.[0-9a-z_]{8}(\.part)?")


@dataclass(frozen=True)
class _State:
    """How a run in the way is called, the error if its configuration is another one, and what to do about it."""

    name: str
    error: type[ConfigError | RunError]
    configuration_remedy: str
    data_remedy: str


_FINISHED = _State(
    "a finished",
    RunError,
    "Give another --output, or delete that folder.",
    "Give the data it was trained on, give another --output, or delete that folder.",
)
_INTERRUPTED = _State(
    "an interrupted",
    ConfigError,
    "Resume it with its own (--resume), give another --output, or start over with --overwrite.",
    "Give --data the prepared folder that it was started on, as it was then, give another --output, or start over with "
    "--overwrite.",
)


def is_finished(run: RunFolder, config: RunConfig, data: PreparedData) -> bool:
    """Return whether a folder contains a finished run of exactly this configuration on this data.

    Keys that its version did not have count as set as by default, which is told.

    Raises:
        RunError: it contains a finished run of another one, or on other data; the message lists the differences.
    """
    if not (run.model / "model.json").is_file():
        return False
    _refuse_other(run, config, data, _FINISHED)
    if missing := missing_keys(run, config):
        logger.warning(
            "%s is taken as it is, though an earlier version trained it, which had no %s; delete it to train it again",
            run.path,
            ", ".join(missing),
        )
    return True


def open_run(run: RunFolder, config: RunConfig, data: PreparedData, overwrite: bool) -> bool:
    """Prepare the folder, which must be in use by this process; return whether there is an interrupted run to resume.

    Raises:
        RunError: the folder contains a finished run, an interrupted run on other data, or something other than a run.
        ConfigError: it contains an interrupted run of another configuration.
    """
    continued = run.config.is_file() and not overwrite and not _failed_at_once(run)
    if not run.config.is_file():
        refuse_foreign(run)
        _remove_run(run)
    elif overwrite:
        _remove_run(run)
    elif (run.model / "model.json").is_file():
        raise RunError(
            f"{run.path} contains a finished run; give another --output, or start over with --overwrite, which deletes "
            "it."
        )
    elif continued:
        _refuse_other(run, config, data, _INTERRUPTED)
    if not continued:
        write_atomically(run.config, lambda path: path.write_text(dump_config(config), encoding="utf-8"))
    elif not _checkpoints(run):
        run.metrics.unlink(missing_ok=True)  # all of it will be written again
    for path in run.path.iterdir():
        if _HALF_CONFIG.fullmatch(path.name):
            path.unlink()
    run.write_environment(data=describe(data))
    return continued


def _refuse_other(run: RunFolder, config: RunConfig, data: PreparedData, state: _State) -> None:
    there = f"{run.path} contains {state.name} run"
    if lines := changed_keys(run, config):
        raise state.error("\n".join([f"{there} of another configuration:", *lines, state.configuration_remedy]))
    if lines := _changed_data(run, data):
        raise RunError("\n".join([f"{there} on other data:", *lines, state.data_remedy]))


def _changed_data(run: RunFolder, data: PreparedData) -> list[str]:
    """Return what a run was started on and what it is given now; nothing if they are the same, or it is not known."""
    now = describe(data)
    try:
        there = read_json(run.environment, "how the run was started")["data"]
        lines = [f"  - there: {_sentence(there)}", f"  - now: {_sentence(now)}"]
    except (RunError, KeyError, TypeError, AttributeError, ValueError):
        logger.warning("%s does not say what data it was started on; make sure that it was this", run.path)
        return []
    return lines if there["fingerprint"] != now["fingerprint"] else []


def _sentence(facts: Mapping[str, Any]) -> str:
    posts = ", ".join(f"{count:,} {split}" for split, count in facts["posts"].items())
    return f"{facts['folder']} ({posts} posts, {facts['hashtags']:,} hashtags, fingerprint {facts['fingerprint']})"


def _checkpoints(run: RunFolder) -> list[Path]:
    return [path for path in run.checkpoints.glob("*") if not path.name.startswith(".")]


def _failed_at_once(run: RunFolder) -> bool:
    """Return whether a run started here and left nothing behind, for instance because no encoder could be loaded."""
    began = run.config.is_file() and run.environment.is_file()
    logged = run.metrics.is_file() and run.metrics.stat().st_size > 0
    return began and not _checkpoints(run) and not logged


def describe(data: PreparedData) -> dict[str, Any]:
    """Return what a run keeps of the data that it was trained on."""
    return {
        "folder": str(data.folder),
        "posts": {split: len(data.split(split)) for split in ("train", "validation", "test")},
        "hashtags": len(data.vocabulary.hashtags),
        "fingerprint": data.fingerprint,
    }


def refuse_foreign(run: RunFolder) -> None:
    """Refuse a folder that is neither new nor a run's.

    Raises:
        RunError: it is a file, or contains something else.
        DataError: its name is not UTF-8.
    """
    check_name(run.path)
    if run.path.is_file():
        raise RunError(f"output {run.path} is a file; give a folder, for instance runs/sample.")
    names = sorted(entry.name for entry in run.path.iterdir()) if run.path.is_dir() else []
    names = [name for name in names if name != LOCK]
    if names and run.config.name not in names and not any(map(_HALF_CONFIG.fullmatch, names)):
        raise RunError(
            f"output {run.path} is not a run folder: it contains {some_of(names)} but no config.yaml. Give an empty or "
            "new folder."
        )


def _remove_run(run: RunFolder) -> None:
    """Delete a run, its configuration first: what is left of that marks the folder as a run's until the next."""
    if run.config.is_file():
        run.config.replace(temporary_beside(run.config))
    for part in (run.model, run.checkpoints, run.path / "evaluation", run.path / "tensorboard"):
        shutil.rmtree(part, ignore_errors=True)
    for file in (run.metrics, run.environment):
        file.unlink(missing_ok=True)


def is_other(run: RunFolder, config: RunConfig, data: PreparedData) -> bool:
    """Return whether a folder contains a run, finished or not, of another configuration or on other data.

    Raises:
        RunError: the folder's configuration is damaged.
    """
    return run.config.is_file() and bool(changed_keys(run, config) or _changed_data(run, data))


def changed_keys(run: RunFolder, config: RunConfig) -> list[str]:
    """Return a line for each key in which the configuration of a run folder differs from another.

    Raises:
        RunError: the folder's configuration is damaged.
    """
    saved = _saved_config(run)
    with suppress(ValidationError):
        # An earlier release may have written keys that are left out now.
        saved = type(config).model_validate(saved).model_dump(mode="json")
    old, new = dict(_flat(saved)), dict(_flat(config.model_dump(mode="json")))
    differing = sorted(key for key in {**old, **new} if old.get(key) != new.get(key))
    return [f"  - {key}: {old.get(key)!r} there, {new.get(key)!r} now" for key in differing]


def missing_keys(run: RunFolder, config: RunConfig) -> list[str]:
    """Return the keys of a configuration that the version of a run of the same one did not have.

    Raises:
        RunError: the folder's configuration is damaged.
    """
    known = dict(_flat(_saved_config(run)))
    return [key for key, _ in _flat(config.model_dump(mode="json")) if key not in known]


def _saved_config(run: RunFolder) -> Any:
    try:
        return yaml.safe_load(run.config.read_text(encoding="utf-8"))
    except YAML_ERRORS as error:
        raise RunError(f"{run.config} is damaged ({error}); start over with --overwrite.") from None


def _flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, values
