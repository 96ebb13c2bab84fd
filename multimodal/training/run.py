"""`train_run`: a configuration and a prepared folder in, a run folder with a model out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from data_loaders.errors import ConfigError, RunError
from multimodal.config import RunConfig, dump_config
from multimodal.distributed.launching import init_distributed
from multimodal.distributed.processes import barrier, is_main_process
from multimodal.storage.run_folder import RunFolder, write_atomically
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import System
from multimodal.systems.caption_profile import captions_for
from multimodal.systems.model_folder import save_model
from multimodal.systems.registry import get_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """The result of `train_run`.

    Attributes:
        system: fitted.
        run: its folder.
        facts: shown to the user, name → text.
    """

    system: System
    run: RunFolder
    facts: dict[str, str]


def train_run(config: RunConfig, data: PreparedData, output: str | Path, *, overwrite: bool = False) -> TrainedRun:
    """Fit the System of a configuration and write the run folder; an interrupted run in it is resumed.

    A run that failed before its first step has nothing to resume, so another configuration may replace it.

    Args:
        config: validated.
        data: what to learn from.
        output: the run folder.
        overwrite: delete a run that is already there and start over.

    Raises:
        RunError: the folder contains a finished run or something other than a run, or a file cannot be written.
        ConfigError: the folder contains an interrupted run of another configuration; the message lists the differences.
    """
    started = time.monotonic()
    init_distributed()
    run = RunFolder(output)
    continued = is_main_process() and _open_run(run, config, data, overwrite)
    barrier()
    data = captions_for(config, data)
    system = get_system(config.system)(config)
    system.fit(data, run)
    memory = system.new_memory()
    add_in_batches(system, memory, list(data.split("train")))
    if is_main_process():
        save_model(run.model, system, memory, {"data": _describe(data)})
    barrier()
    facts = {
        "system": config.system,
        "seed": str(config.seed),
        "train posts": f"{len(data.split('train')):,}",
        "validation posts": f"{len(data.split('validation')):,}",
        "hashtags in the vocabulary": f"{len(data.vocabulary.hashtags):,}",
        "posts remembered": f"{len(memory):,}",
        "started from": "a checkpoint" if continued else "the beginning",
        "seconds": f"{time.monotonic() - started:,.1f}",
        "model": str(run.model),
    }
    return TrainedRun(system, run, facts)


def is_finished(run: RunFolder, config: RunConfig) -> bool:
    """Return whether a folder contains a finished run of exactly this configuration.

    Raises:
        RunError: it contains a finished run of another one; the message lists the differences.
    """
    if not (run.model / "model.json").is_file():
        return False
    if lines := changed_keys(run, config):
        raise RunError(
            f"{run.path} contains a finished run of another configuration:\n" + "\n".join(lines) + "\n"
            "Give another --output, or delete that folder."
        )
    return True


def _open_run(run: RunFolder, config: RunConfig, data: PreparedData, overwrite: bool) -> bool:
    """Prepare the folder and return whether there is an interrupted run to resume."""
    continued = run.config.is_file() and not overwrite and not _failed_at_once(run)
    if not run.config.is_file():
        _refuse_foreign(run.path)
    elif overwrite:
        _remove_run(run)
    elif (run.model / "model.json").is_file():
        raise RunError(
            f"{run.path} contains a finished run; give another --output, or start over with --overwrite, which deletes "
            "it."
        )
    elif continued and (lines := changed_keys(run, config)):
        raise ConfigError(
            f"{run.path} contains an interrupted run of another configuration:\n" + "\n".join(lines) + "\n"
            "Resume it with its own (--resume), give another --output, or start over with --overwrite."
        )
    if not continued:
        write_atomically(run.config, lambda path: path.write_text(dump_config(config), encoding="utf-8"))
    run.write_environment(data=_describe(data))
    return continued


def _failed_at_once(run: RunFolder) -> bool:
    """Return whether a run started here and left nothing behind, for instance because no encoder could be loaded."""
    began = run.config.is_file() and run.environment.is_file()
    checkpoints = [path for path in run.checkpoints.glob("*") if not path.name.startswith(".")]
    logged = run.metrics.is_file() and run.metrics.stat().st_size > 0
    return began and not checkpoints and not logged


def _describe(data: PreparedData) -> dict[str, Any]:
    return {
        "folder": str(data.folder),
        "posts": {split: len(data.split(split)) for split in ("train", "validation", "test")},
        "hashtags": len(data.vocabulary.hashtags),
    }


def _refuse_foreign(folder: Path) -> None:
    if folder.is_file():
        raise RunError(f"output {folder} is a file; give a folder, for instance runs/sample.")
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise RunError(
            f"output {folder} is not a run folder: it contains {shown} but no config.yaml. Give an empty or new folder."
        )


def _remove_run(run: RunFolder) -> None:
    for part in (run.model, run.checkpoints, run.path / "evaluation", run.path / "tensorboard"):
        shutil.rmtree(part, ignore_errors=True)
    for file in (run.metrics, run.environment, run.config):
        file.unlink(missing_ok=True)


def changed_keys(run: RunFolder, config: RunConfig) -> list[str]:
    """Return a line for each key in which the configuration of a run folder differs from another.

    Raises:
        RunError: the folder's configuration is damaged.
    """
    try:
        saved = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RunError(f"{run.config} is damaged ({error}); start over with --overwrite.") from None
    with suppress(ValidationError):
        # An earlier release may have written keys that are left out now.
        saved = type(config).model_validate(saved).model_dump(mode="json")
    old, new = dict(_flat(saved)), dict(_flat(config.model_dump(mode="json")))
    differing = sorted(key for key in {**old, **new} if old.get(key) != new.get(key))
    return [f"  - {key}: {old.get(key)!r} there, {new.get(key)!r} now" for key in differing]


def _flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, values
