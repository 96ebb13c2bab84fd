"""`RunFolder`: where a run keeps its configuration, metrics, checkpoints, model and evaluation."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from data_loaders.command_line import PROGRAM
from data_loaders.errors import RunError

FORMAT_VERSION = 1
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

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to `metrics.jsonl`; of several processes only the main one does."""
        from multimodal.distributed.processes import is_main_process

        if not is_main_process():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def rewind(self, step: int, epoch: int) -> None:
        """Delete the lines of `metrics.jsonl` after a checkpoint, because training will write them again.

        Args:
            step: optimiser steps completed at the checkpoint.
            epoch: epochs completed.
        """
        if not self.metrics.exists():
            return
        kept = []
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue  # a line cut off while it was written
            if (record.get("step", 0), record.get("epoch", 0)) <= (step, epoch):
                kept.append(line + "\n")
        write_atomically(self.metrics, lambda path: path.write_text("".join(kept), encoding="utf-8"))

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

    Raises:
        RunError: the disk is full or the folder cannot be written; the previous file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror or error}); the previous file is kept."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file of a run or model folder.

    Raises:
        RunError: it is missing or damaged; the message names the file, `what` it is and how to make it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} ({what}) is missing; train first: {PROGRAM} train --config … --output …") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} ({what}) is damaged: {error}") from None
