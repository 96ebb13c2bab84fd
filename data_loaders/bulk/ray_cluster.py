"""`RayCluster`: shard tasks on the machines of a Ray cluster, all of which see the same files (https://docs.ray.io)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_loaders.bulk.executor import Executor
from data_loaders.bulk.tasks import Advance, ShardTask, finish, result_of
from data_loaders.errors import ConfigError, DataError, UserError

_MOST_RETRIES = 3


class RayCluster(Executor):
    """Does a task per core of a cluster; a task whose worker or machine is lost is done again.

    Args:
        address: of the cluster, such as `ray://head:10001`; None for the one that RAY_ADDRESS names, or one of this
            machine alone if it names none.

    Raises:
        ConfigError: Ray is not installed, or the cluster is not reached.
    """

    def __init__(self, address: str | None = None) -> None:
        self._ray = _connected(address)

    def finish_all(self, tasks: Sequence[ShardTask], store: Path, advance: Advance) -> None:
        """Do the tasks.

        Raises:
            UserError: a task refuses its input.
            OSError: a result cannot be written, or the machines do not see the same files.
        """
        work = self._ray.remote(num_cpus=1, max_retries=_MOST_RETRIES)(_work)
        running = {work.remote(task, str(store.absolute())): task for task in tasks}
        try:
            while running:
                done, _ = self._ray.wait(list(running), num_returns=1)
                task = running.pop(done[0])
                refusal = self._ray.get(done[0])
                if refusal is not None:
                    raise DataError(refusal)
                advance(_steps(task, store))
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)


def _work(task: ShardTask, store: str) -> str | None:
    """Do a task on a machine of the cluster; return why it refuses its input, if it does."""
    try:
        finish(task, Path(store), lambda _: None)
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
