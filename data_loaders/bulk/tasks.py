"""`ShardTask`: a piece of bulk work whose result is named by what it is made of, so that it is never done twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from data_loaders.output_folder import settle, temporary_beside

Advance: TypeAlias = Callable[[int], None]
"""Is told how many more steps are done."""


class ShardTask(ABC):
    """Reads a shard and writes a folder; it can be sent to another process or machine that sees the same files.

    What it writes depends on nothing but what its name is made of. So the folder of that name is its result, whoever
    wrote it and when.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of its folder, see `name_of`."""

    @abstractmethod
    def write(self, folder: Path, advance: Advance) -> None:
        """Fill an empty folder.

        Args:
            folder: the folder.
            advance: is told the progress.
        """

    @abstractmethod
    def steps(self, folder: Path) -> int:
        """Return of how many steps a finished folder consists."""


def name_of(*parts: Any) -> str:
    """Return a file name made of everything that a result depends on.

    Args:
        parts: values for JSON.
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def result_of(task: ShardTask, store: Path) -> Path:
    """Return the folder that holds or will hold what a task writes."""
    return store / task.name


def is_finished(task: ShardTask, store: Path) -> bool:
    """Return whether a task has its result, which is there whole or not at all."""
    return result_of(task, store).is_dir()


def finish(task: ShardTask, store: Path, advance: Advance) -> None:
    """Do a task unless it is done.

    Args:
        task: the task.
        store: the folder of all results.
        advance: is told the progress of the work that is left.

    Raises:
        OSError: the result cannot be written.
    """
    if is_finished(task, store):
        return
    done = result_of(task, store)
    part = temporary_beside(done)
    try:
        part.mkdir(parents=True)
        task.write(part, advance)
        settle(part)
        _rename(part, done)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _rename(part: Path, done: Path) -> None:
    """Put a result in its place; another process may have been faster, with the same result."""
    try:
        part.rename(done)
    except OSError:
        if not done.is_dir():
            raise
