"""`Executor`: who does shard tasks. This process is one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_loaders.bulk.tasks import Advance, ShardTask, finish, is_finished, result_of


class Executor(ABC):
    """Does shard tasks in any order; results are the same whoever does them."""

    def run(self, tasks: Iterable[ShardTask], store: Path, advance: Advance) -> None:
        """Do all tasks that are not done.

        Args:
            tasks: the tasks; one after the other is taken as there is somebody to do it, so that memory does not grow
                with their number.
            store: the folder that receives their results; every worker sees it under this path.
            advance: is told the progress, that of results that were there before included.

        Raises:
            UserError: a task refuses its input.
            OSError: a result cannot be written.
        """
        store.mkdir(parents=True, exist_ok=True)
        self.finish_all(_unfinished(tasks, store, advance), store, advance)

    @abstractmethod
    def finish_all(self, tasks: Iterator[ShardTask], store: Path, advance: Advance) -> None:
        """Do tasks that are not done, see `run`."""


class InProcess(Executor):
    """Does one task after the other in this process."""

    def finish_all(self, tasks: Iterator[ShardTask], store: Path, advance: Advance) -> None:
        """Do the tasks in order."""
        for task in tasks:
            finish(task, store, advance)


def _unfinished(tasks: Iterable[ShardTask], store: Path, advance: Advance) -> Iterator[ShardTask]:
    for task in tasks:
        if is_finished(task, store):
            advance(task.steps(result_of(task, store)))
        else:
            yield task
