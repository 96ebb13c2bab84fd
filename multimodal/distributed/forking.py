"""`ForkSafeLock`: a lock that a forked process can use, as `multiprocessing` and web servers fork."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from types import TracebackType

from data_loaders.errors import RunError

_LONGEST_WAIT_S = 10.0


class ForkSafeLock:
    """A reentrant lock; a fork waits until it is free, so that the child finds nothing half done.

    Torch's threads do not exist in the child, which would wait for them for ever: there torch computes with one
    thread, if the process has such a lock.

    Raises:
        RunError: on use in a child that was forked while another thread held the lock for more than 10 s.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._lost = False
        _LOCKS.add(self)

    def __enter__(self) -> None:
        if self._lost:
            raise RunError(
                f"process {os.getpid()} was forked while another thread was using this recommender; load it again with "
                "Recommender.from_pretrained in the new process, or fork before it is used."
            )
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def before_fork(self) -> bool:
        """Take the lock and return whether it could be taken in time."""
        return self._lock.acquire(timeout=_LONGEST_WAIT_S)

    def after_fork(self, taken: bool, in_child: bool) -> None:
        """Give the lock back; a child that could not take it must not use it."""
        if taken:
            self._lock.release()
        self._lost |= in_child and not taken


_LOCKS: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()
_FORKING = threading.local()


def _before() -> None:
    _FORKING.taken = [(lock, lock.before_fork()) for lock in _all_locks()]


def _all_locks() -> list[ForkSafeLock]:
    while True:
        try:
            return list(_LOCKS)
        except RuntimeError:
            continue  # another thread made a lock meanwhile


def _after(in_child: bool) -> None:
    for lock, taken in _FORKING.taken:
        lock.after_fork(taken, in_child)
    if in_child and _FORKING.taken and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _FORKING.taken = []


os.register_at_fork(
    before=_before, after_in_parent=lambda: _after(in_child=False), after_in_child=lambda: _after(in_child=True)
)
