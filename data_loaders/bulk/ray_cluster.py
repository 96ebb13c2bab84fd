"""`RayCluster`: shard tasks on the machines of a Ray cluster, all of which see the same files (https://docs.ray.io)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from data_loaders.bulk.executor import Executor
from data_loaders.bulk.tasks import Advance, ShardTask, finish, result_of
from data_loaders.errors import ConfigError, DataError, RunError, UserError

_MOST_RETRIES = 3
_IN_FLIGHT_PER_CORE = 2


class RayCluster(Executor):
    """Does a task per core of a cluster; a task whose worker or machine is lost is done again.

    Two tasks per core are on their way, so that a cluster that grows with what waits grows.

    Args:
        address: of the cluster, such as `ray://head:10001`; None for the one that RAY_ADDRESS names, or one of this
            machine alone if it names none.
        begin: what a worker does before a task, such as limiting its threads.

    Raises:
        ConfigError: Ray is not installed, or the cluster is not reached.
    """

    def __init__(self, address: str | None = None, begin: Callable[[], None] | None = None) -> None:
        self._ray, self._begin = _connected(address), begin

    def finish_all(self, tasks: Iterator[ShardTask], store: Path, advance: Advance) -> None:
        """Do the tasks.

        Raises:
            UserError: a task refuses its input, or workers died at it again and again.
            OSError: a result cannot be written, or the machines do not see the same files.
        """
        work = self._ray.remote(num_cpus=1, max_retries=_MOST_RETRIES)(_work)
        running: dict[Any, ShardTask] = {}
        try:
            while True:
                for task in islice(tasks, max(0, self._most_in_flight() - len(running))):
                    running[work.remote(task, store, Path.cwd(), self._begin)] = task
                if not running:
                    return
                done, _ = self._ray.wait(list(running), num_returns=1)
                task = running.pop(done[0])
                refusal = self._answer(done[0])
                if refusal is not None:
                    raise DataError(refusal)
                advance(_steps(task, store))
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def _answer(self, reference: Any) -> str | None:
        lost = (
            self._ray.exceptions.WorkerCrashedError,
            self._ray.exceptions.NodeDiedError,
            self._ray.exceptions.OutOfMemoryError,
        )
        try:
            refusal: str | None = self._ray.get(reference)
        except lost as error:
            raise RunError(
                f"workers of the cluster died {_MOST_RETRIES + 1} times at the same shard, perhaps for lack of memory: "
                f"{error}. What was finished before is kept: run the same command again to go on."
            ) from None
        return refusal

    def _most_in_flight(self) -> int:
        return _IN_FLIGHT_PER_CORE * max(1, int(self._ray.cluster_resources().get("CPU", 1)))


def _work(task: ShardTask, store: Path, working: Path, begin: Callable[[], None] | None) -> str | None:
    """Do a task on a machine of the cluster; return why it refuses its input, if it does."""
    os.chdir(working)  # paths may be relative to it
    try:
        if begin is not None:
            begin()
        finish(task, store, lambda _: None)
    except UserError as error:
        return str(error)
    return None


def _steps(task: ShardTask, store: Path) -> int:
    done = result_of(task, store)
    if not done.is_dir():
        raise FileNotFoundError(
            f"a machine of the cluster has written {done}, which is not there: all machines have to see this folder, "
            "on a file system that they share"
        )
    return task.steps(done)


def _connected(address: str | None) -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "Ray is not installed, which runs work on several machines; install it with pip install "
            "'multimodal-hashtags[ray]'."
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"the Ray cluster {address or 'that RAY_ADDRESS names'} is not reached: {error}"
            ) from error
    return ray
