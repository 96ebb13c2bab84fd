"""How many threads a model may use: the processors that this process is given, not those of the machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def processors(cgroup: Path = _CGROUP) -> int:
    """Return how many processors the process may use, at least 1: by its affinity and by the limits of its container.

    Args:
        cgroup: where the limits of the container are mounted.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    return max(1, allowed if quota is None else min(allowed, int(quota)))


def answers_at_once() -> int:
    """Return for how many answers at a time there are processors, each with as many threads as torch uses."""
    import torch

    return max(1, processors() // torch.get_num_threads())


def use_threads(count: int) -> None:
    """Let torch and numpy compute with so many threads in this process."""
    import torch
    from threadpoolctl import threadpool_limits  # part of scikit-learn; numpy's own threads would wait for each other

    torch.set_num_threads(count)
    threadpool_limits(count)


def _quota(cgroup: Path) -> float | None:
    with suppress(OSError, ValueError):
        given, period = (cgroup / "cpu.max").read_text().split()
        return None if given == "max" else int(given) / int(period)
    with suppress(OSError, ValueError):  # the first version of control groups
        microseconds = int((cgroup / "cpu/cpu.cfs_quota_us").read_text())
        return None if microseconds < 0 else microseconds / int((cgroup / "cpu/cpu.cfs_period_us").read_text())
    return None
