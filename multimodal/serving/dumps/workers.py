"""Work on blocks in forked processes, each with the model without a copy of it, and with one thread."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

import torch

from data_loaders.errors import RunError

Item = TypeVar("Item")
Result = TypeVar("Result")
_IN_FLIGHT = 2
_ORPHAN = 1
# What a worker does; set in workers only, which have it from their parent without a copy.
_work: Callable[[Any], Any] | None = None


def can_fork() -> bool:
    """Return whether this system forks processes."""
    return "fork" in multiprocessing.get_all_start_methods()


def worked_on(
    items: Iterable[Item], work: Callable[[Item], Result], processes: int | None
) -> Generator[Result, None, None]:
    """Yield the result for each item, in order, the same to the last bit for any number of processes.

    At most two items a process are on their way, so that memory does not grow with the number of items.

    Args:
        items: read in this process, by and by.
        work: what is done with each.
        processes: how many are forked to do it, at least 1; None to do it here.

    Raises:
        RunError: a process died.
    """
    if processes is None:
        yield from map(work, items)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), initializer=_begin, initargs=(work,))
    try:
        pool.submit(os.getpid).result()  # all are forked by then, before a progress bar has a thread
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(_do, item))
            if len(waiting) >= _IN_FLIGHT * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise RunError(
            f"one of {processes} processes died, perhaps for lack of memory. What was answered before is kept: run the "
            "same command again to go on, with fewer --processes."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(work: Callable[[Any], Any]) -> None:
    global _work
    # Part of scikit-learn; numpy's own threads would wait for each other.
    from threadpoolctl import threadpool_limits

    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the others
    torch.set_num_threads(1)
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot stop its workers, which would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(_ORPHAN)


def _do(item: Any) -> Any:
    return None if _work is None else _work(item)
