"""`run_shown`: do shard tasks under a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from data_loaders.bulk.executor import Executor
from data_loaders.bulk.progress import Bar, progress_bar
from data_loaders.bulk.tasks import ShardTask


def run_shown(
    executor: Executor,
    tasks: Iterable[ShardTask],
    store: Path,
    description: str,
    count: Callable[[], int | None],
    unit: str = "posts",
) -> None:
    """Do all tasks that are not done, see `Executor.run`, under a progress bar.

    Args:
        executor: who does them.
        tasks: the tasks.
        store: the folder that receives their results.
        description: label of the bar.
        count: returns the number of steps of all tasks; None when unknown.
        unit: name of the steps, in the plural.
    """
    bars: list[Bar] = []
    with ExitStack() as shown:

        def taken() -> Iterator[ShardTask]:
            # The first task is taken when processes that share memory are forked, before the bar has a thread.
            bars.append(shown.enter_context(progress_bar(description, count(), unit)))
            yield from tasks

        executor.run(taken(), store, lambda steps: bars[0].advance(steps))
