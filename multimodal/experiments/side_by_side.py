"""What experiments share whose runs are made by several processes side by side."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_loaders.bulk.executor import Executor, InProcess
from data_loaders.bulk.held import held
from data_loaders.bulk.progress import hide_bars
from data_loaders.bulk.shown import run_shown
from data_loaders.bulk.tasks import ShardTask
from data_loaders.prepared import PreparedData
from multimodal.distributed.processors import use_threads


@dataclass(frozen=True)
class Folder:
    """A prepared folder that workers open.

    Attributes:
        path: of the folder.
        images: where its pictures are now, if they were moved.
    """

    path: Path
    images: Path | None = None

    def open(self) -> PreparedData:
        """Open the folder.

        Raises:
            DataError: see `PreparedData.open`.
        """
        return PreparedData.open(self.path, self.images)


def beside_others(threads: int) -> None:
    """Work in a process of several: with so many threads, and without progress bars of its own."""
    hide_bars()
    use_threads(threads)


def do_tasks(
    tasks: Sequence[ShardTask],
    store: Path,
    data: tuple[Folder, PreparedData],
    executor: Executor | None,
    shown: tuple[str, int, str],
) -> None:
    """Do all tasks, whatever is there of earlier ones: that runs are still as they were is seen from the runs.

    Args:
        tasks: the tasks.
        store: the folder that receives their results; the caller removes it.
        data: how workers open the data, and the data.
        executor: who does them; None for this process, one after the other, which shows progress of its own.
        shown: label of the progress bar, number of steps of all tasks, and their name in the plural.

    Raises:
        UserError: a task refuses its input.
        RunError: workers die at the same task.
    """
    shutil.rmtree(store, ignore_errors=True)
    description, steps, unit = shown
    with held(*data):
        if executor is None or isinstance(executor, InProcess):
            InProcess().run(tasks, store, lambda done: None)
        else:
            run_shown(executor, tasks, store, description, lambda: steps, unit)
