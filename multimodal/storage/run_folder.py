"""`RunFolder`: where a run keeps its configuration, metrics, checkpoints, model and evaluation."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from data_loaders.command_line import PROGRAM
from data_loaders.errors import RunError, full_disk
from data_loaders.locking import FolderInUseError, locked
from data_loaders.output_folder import left_over, lock_of, synchronise, temporary_beside
from multimodal.storage.model_files import parse_json, read_bytes

FORMAT_VERSION = 1
LOCK = ".lock"
_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "accelerate",
    "pandas",
    "numpy",
    "pillow",
    "scikit-learn",
)


class RunFolder:
    """The paths of a run folder, and safe ways to write into it.

    Args:
        path: the folder; created on the first write.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def config(self) -> Path:
        """The resolved configuration, YAML."""
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        """Versions, command and data that the run was started with."""
        return self.path / "environment.json"

    @property
    def metrics(self) -> Path:
        """JSON lines: training steps, validations, the summary."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """What resuming a training needs."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """All that recommending needs; this folder can be moved or shared alone."""
        return self.path / "model"

    def evaluation(self, split: str) -> Path:
        """Results on one split."""
        return self.path / "evaluation" / split

    @contextmanager
    def in_use(self, doing: str, *, shared: bool = False) -> Iterator[None]:
        """Keep other processes from writing into the run folder while the block runs.

        Args:
            doing: for the message that they get, such as "training in it".
            shared: let others in that share it too: evaluations of different splits.

        Raises:
            FolderInUseError: another process writes into it.
            RunError: the folder cannot be written.
        """
        with ExitStack() as stack:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                alone = stack.enter_context(locked(self.path / LOCK, self.path, doing, shared=shared))
            except OSError as error:
                raise RunError(
                    f"run folder {self.path} cannot be written: {error.strerror or error}.{full_disk(error, self.path)}"
                ) from error
            if alone and not shared:
                self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what killed processes left; what is left of `config.yaml` has a meaning, see `training/opening.py`."""
        for path in (*self.path.iterdir(), *(self.checkpoints.iterdir() if self.checkpoints.is_dir() else ())):
            if left_over(path.name) and not left_over(path.name, self.config.name):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        model_lock = lock_of(self.model)
        if model_lock.exists():
            with suppress(FolderInUseError), locked(model_lock, self.model, "removing its lock"):
                pass

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to `metrics.jsonl`; of several processes only the main one does.

        Raises:
            RunError: it cannot be written, for instance because the disk is full.
        """
        from multimodal.distributed.processes import is_main_process

        if not is_main_process():
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        except OSError as error:
            raise RunError(
                f"{self.metrics} could not be written ({error.strerror or error}).{full_disk(error, self.metrics)} "
                "When it can, run the same command again: training goes on from its last checkpoint."
            ) from error

    def rewind(self, step: int, epoch: int) -> None:
        """Delete the lines of `metrics.jsonl` that training will write again after a checkpoint.

        Lines with a step count by it. Those without one that precede all steps stay, each once; later ones follow from
        the training and are written again.

        Args:
            step: optimiser steps completed at the checkpoint.
            epoch: epochs completed.
        """
        if not self.metrics.exists():
            return
        kept: list[str] = []
        stepped = False
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue  # a line cut off while it was written
            if "step" in record:
                stepped = True
                keep = (record["step"], record.get("epoch", 0)) <= (step, epoch)
            else:
                keep = not stepped and line not in kept
            if keep:
                kept.append(line)
        text = "".join(f"{line}\n" for line in kept)
        write_atomically(self.metrics, lambda path: path.write_text(text, encoding="utf-8"))

    def write_environment(self, **facts: Any) -> None:
        """Write `environment.json`: Python, platform, package versions, command, and further facts."""
        versions = {}
        for package in _PACKAGES:
            try:
                versions[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                versions[package] = "not installed"
        record = {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cores": os.cpu_count(),
            "packages": versions,
            "command": sys.argv,
            **facts,
        }
        write_json(self.environment, record)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: the previous file stays until the new one is complete."""
    write_atomically(
        path,
        lambda temporary: temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8"),
    )


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place in one step.

    The file gets the mode that the umask asks for, and is on the disk before it replaces the previous one.

    Raises:
        RunError: the disk is full or the folder cannot be written; the previous file is untouched.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(0o666)
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # some libraries write a new file that only its owner can read
        synchronise(temporary)
        temporary.replace(path)
        synchronise(path.parent)
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror or error}); the previous file is kept."
            f"{full_disk(error, path)}"
        ) from error
    finally:
        with suppress(NotADirectoryError):  # what should be the folder is a file
            temporary.unlink(missing_ok=True)


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file of a run or model folder.

    Raises:
        RunError: it is missing or damaged; the message names the file, `what` it is and how to make it.
    """
    absent = f"train first: {PROGRAM} train --config … --output …"
    return parse_json(path, read_bytes(path, what, absent), what)
