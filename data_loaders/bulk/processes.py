"""`Processes`: shard tasks in processes of this machine, one for each task; one that is killed begins again."""

from __future__ import annotations

import logging
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from data_loaders.bulk.executor import Executor, InProcess
from data_loaders.bulk.tasks import Advance, ShardTask, finish
from data_loaders.errors import DataError, UserError

logger = logging.getLogger(__name__)

_MOST_ATTEMPTS = 3


@dataclass
class _Worker:
    """A process that does a task.

    Attributes:
        process: the process.
        receiver: its progress, and the error that ended it.
        task: what it does.
        advanced: the progress that it has told.
    """

    process: BaseProcess
    receiver: Connection[Any, Any]
    task: ShardTask
    advanced: int = 0


class Processes(Executor):
    """Does tasks in processes of their own, a few at once.

    Args:
        count: how many at once, at least 1.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def finish_all(self, tasks: Sequence[ShardTask], store: Path, advance: Advance) -> None:
        """Do the tasks; one whose process was killed is done again.

        Raises:
            UserError: a task refuses its input.
            OSError: a result cannot be written.
            RuntimeError: a task failed, or its process was killed three times.
        """
        if len(tasks) == 1:
            InProcess().finish_all(tasks, store, advance)
            return
        waiting, workers = list(reversed(tasks)), list[_Worker]()
        attempts: Counter[str] = Counter()
        try:
            while waiting or workers:
                while waiting and len(workers) < self._count:
                    workers.append(_started(waiting.pop(), store))
                for worker in _heard(workers):
                    if _listen(worker, advance):
                        continue
                    workers.remove(worker)
                    if _was_killed(worker, attempts):
                        advance(-worker.advanced)
                        waiting.append(worker.task)
        finally:
            for worker in workers:
                worker.process.terminate()
            for worker in workers:
                worker.process.join()


def _started(task: ShardTask, store: Path) -> _Worker:
    context = get_context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, store, sender, receiver), daemon=True)
    process.start()
    sender.close()
    return _Worker(process, receiver, task)


def _work(task: ShardTask, store: Path, sender: Connection[Any, Any], receiver: Connection[Any, Any]) -> None:
    """Do a task in a process of its own, which ends when there is no one any more who hears of its progress."""
    receiver.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        finish(task, store, sender.send)
    except BrokenPipeError:
        return
    except UserError as error:
        sender.send(DataError(str(error)))
    except OSError as error:
        sender.send(OSError(error.errno, error.strerror or str(error), error.filename))


def _heard(workers: list[_Worker]) -> list[_Worker]:
    ready = set(wait([worker.receiver for worker in workers]))
    return [worker for worker in workers if worker.receiver in ready]


def _listen(worker: _Worker, advance: Advance) -> bool:
    """Take what a worker says; return whether it goes on."""
    said = None
    with suppress(EOFError, OSError):
        said = worker.receiver.recv()
    if isinstance(said, Exception):
        raise said
    if said is not None:
        worker.advanced += said
        advance(said)
        return True
    worker.process.join()
    worker.receiver.close()
    return False


def _was_killed(worker: _Worker, attempts: Counter[str]) -> bool:
    code = worker.process.exitcode
    if code == 0:
        return False
    attempts[worker.task.name] += 1
    if code is None or code > 0 or attempts[worker.task.name] == _MOST_ATTEMPTS:
        raise RuntimeError(f"a worker ended with exit code {code}; what it said stands above")
    logger.warning("a worker was killed by signal %d, perhaps for want of memory; its shard is done again", -code)
    return True
