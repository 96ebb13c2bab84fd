"""`executor_named`: this process, several processes of this machine, or the machines of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable

from data_loaders.bulk.executor import Executor, InProcess
from data_loaders.bulk.processes import Processes
from data_loaders.bulk.ray_cluster import RayCluster
from data_loaders.errors import ConfigError

EXECUTORS = "local, ray, or the address of a Ray cluster such as ray://head:10001"
"""What `executor_named` accepts."""


def executor_named(
    name: str = "local", processes: int | None = None, begin: Callable[[], None] | None = None
) -> Executor:
    """Return an executor.

    Args:
        name: `local`, `ray` (the cluster that RAY_ADDRESS names, or one of this machine alone) or the address of a
            Ray cluster.
        processes: of this machine at once, for `local`; None for one per core.
        begin: what each worker does first, see `Processes`; a function of a module.

    Raises:
        ConfigError: the name is unknown, the number is below 1, or Ray is not installed or not reached.
    """
    if name == "ray" or name.startswith("ray://"):
        return RayCluster(None if name == "ray" else name, begin)
    if name != "local":
        raise ConfigError(f"executor {name!r} is unknown; accepted: {EXECUTORS}.")
    count = cores() if processes is None else processes
    if count < 1:
        raise ConfigError(f"{count} processes; accepted: 1 or more.")
    return InProcess() if count == 1 and begin is None else Processes(count, begin)


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
