"""`Processes`: shard tasks in processes of this machine; a task whose process is killed begins again."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

from data_loaders.bulk.executor import Executor, InProcess
from data_loaders.bulk.tasks import Advance, ShardTask, finish
from data_loaders.errors import DataError, RunError, UserError

logger = logging.getLogger(__name__)

Pipe: TypeAlias = "Connection[Any, Any]"
_MOST_ATTEMPTS = 3
_ORPHAN, _STOPPED = 1, 2


def can_fork() -> bool:
    """Return whether this system forks processes."""
    return "fork" in get_all_start_methods()


class Processes(Executor):
    """Does tasks in processes of their own, a few at once.

    Args:
        count: how many at once, at least 1.
        begin: what each does first, such as limiting its threads. All are then forked before the first task is taken,
            so that they share what this process holds; without it they start as they are needed, and this process does
            a task that is alone.
    """

    def __init__(self, count: int, begin: Callable[[], None] | None = None) -> None:
        self._count, self._begin = count, begin

    def finish_all(self, tasks: Iterator[ShardTask], store: Path, advance: Advance) -> None:
        """Do the tasks; one whose process was killed is done again.

        Raises:
            UserError: a task refuses its input, or its process was killed three times.
            OSError: a result cannot be written.
            RuntimeError: a task failed.
        """
        if self._begin is None:
            first = list(islice(tasks, 2))
            if len(first) < 2:
                InProcess().finish_all(iter(first), store, advance)
                return
            tasks = chain(first, tasks)
        crew = _Crew(self._count, store, self._begin)
        try:
            crew.work(tasks, advance)
        finally:
            crew.end()


@dataclass
class _Worker:
    """A process that does one task after the other.

    Attributes:
        process: the process.
        pipe: takes tasks, tells progress, the end of a task, and the error that ended it.
        task: what it does now.
        advanced: the progress of that which it has told.
    """

    process: BaseProcess
    pipe: Pipe
    task: ShardTask | None = None
    advanced: int = 0

    def give(self, task: ShardTask) -> None:
        self.task, self.advanced = task, 0
        with suppress(ConnectionError):  # it was killed; that is noticed where its progress is waited for
            self.pipe.send(task)


class _Crew:
    def __init__(self, count: int, store: Path, begin: Callable[[], None] | None) -> None:
        self._count, self._store, self._begin = count, store, begin
        self._context = get_context("fork" if begin is not None and can_fork() else None)
        self._attempts: Counter[str] = Counter()
        self._workers: list[_Worker] = []
        if begin is not None:
            for _ in range(count):
                self._start()

    def work(self, tasks: Iterator[ShardTask], advance: Advance) -> None:
        again: list[ShardTask] = []
        following = next(tasks, None)
        while True:
            while (again or following is not None) and (idle := self._idle()) is not None:
                if again:
                    idle.give(again.pop())
                elif following is not None:
                    idle.give(following)
                    following = next(tasks, None)
            busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                if not _listen(worker, advance) and worker.task is not None:
                    self._workers.remove(worker)
                    self._check_killed(worker, worker.task)
                    advance(-worker.advanced)
                    again.append(worker.task)

    def end(self) -> None:
        for worker in self._workers:
            if worker.task is None:
                with suppress(ConnectionError):
                    worker.pipe.send(None)
            else:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()

    def _idle(self) -> _Worker | None:
        """Return a worker that has nothing to do, a new one where there may be more; None if all are busy."""
        idle = next((worker for worker in self._workers if worker.task is None), None)
        return self._start() if idle is None and len(self._workers) < self._count else idle

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._store, self._begin))
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _check_killed(self, worker: _Worker, task: ShardTask) -> None:
        """Refuse to do a task again whose worker ended by itself, or was killed too often."""
        worker.process.join()
        worker.pipe.close()
        code = worker.process.exitcode
        if code is None or code >= 0:
            raise RuntimeError(f"a worker ended with exit code {code}; what it said stands above")
        self._attempts[task.name] += 1
        if self._attempts[task.name] == _MOST_ATTEMPTS:
            raise RunError(
                f"one of {self._count} processes died, as two before it at the same shard, perhaps for lack of memory. "
                "What was finished before is kept: run the same command again to go on, with fewer --processes."
            )
        logger.warning("a worker was killed by signal %d, perhaps for want of memory; its shard is done again", -code)


def _listen(worker: _Worker, advance: Advance) -> bool:
    """Take what a worker says, None where a task is done; return whether it is still there."""
    try:
        said = worker.pipe.recv()
    except (EOFError, OSError):
        return False
    if isinstance(said, Exception):
        raise said
    if said is None:
        worker.task = None
    else:
        worker.advanced += said
        advance(said)
    return True


def _work(pipe: Pipe, store: Path, begin: Callable[[], None] | None) -> None:
    """Do tasks in a process of its own, until there are no more or no one any more who wants them done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the others
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin()
    try:
        while (task := pipe.recv()) is not None:
            finish(task, store, pipe.send)
            pipe.send(None)
    except EOFError:
        return
    except KeyboardInterrupt:  # what handles signals during a training makes this of `_stop`
        sys.exit(_STOPPED)
    except UserError as error:
        pipe.send(DataError(str(error)))
    except OSError as error:
        with suppress(ConnectionError):
            pipe.send(OSError(error.errno, error.strerror or str(error), error.filename))


def _stop(*_: object) -> None:
    sys.exit(_STOPPED)  # on the way out, what was begun is removed


def _end_with_parent() -> None:
    """A parent that was killed cannot stop its workers, which would wait for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(_ORPHAN)
