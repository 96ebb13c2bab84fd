"""`ForkSafeLock`: a lock that a forked process can use, as `multiprocessing` and web servers fork."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from abc import ABC, abstractmethod
from types import TracebackType

from data_loaders.errors import RunError

_LONGEST_WAIT_S = 10.0


class ForkSafe(ABC):
    """A lock that a fork waits for, so that the child finds nothing half done."""

    def __init__(self) -> None:
        self._lost = False
        _LOCKS.add(self)

    @abstractmethod
    def before_fork(self, wait_s: float) -> bool:
        """Take the lock and return whether it could be taken in time."""

    def after_fork(self, taken: bool, in_child: bool) -> None:
        """Give the lock back; a child that could not take it must not use it."""
        self._lost |= in_child and not taken

    def _refuse_lost(self) -> None:
        if self._lost:
            raise RunError(
                f"process {os.getpid()} was forked while another thread was using this recommender; load it again with "
                "Recommender.from_pretrained in the new process, or fork before it is used."
            )


class ForkSafeLock(ForkSafe):
    """A reentrant lock; a fork waits until it is free, so that the child finds nothing half done.

    Torch's threads do not exist in the child, which would wait for them for ever: there torch computes with one
    thread, if the process has such a lock.

    Raises:
        RunError: on use in a child that was forked while another thread held the lock for more than 10 s.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._refuse_lost()
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def before_fork(self, wait_s: float) -> bool:
        """Take the lock and return whether it could be taken in time."""
        return self._lock.acquire(timeout=wait_s)

    def after_fork(self, taken: bool, in_child: bool) -> None:
        """Give the lock back; a child that could not take it must not use it."""
        super().after_fork(taken, in_child)
        if taken:
            self._lock.release()


_LOCKS: weakref.WeakSet[ForkSafe] = weakref.WeakSet()
_FORKING = threading.local()


def _before() -> None:
    _FORKING.taken = _taken(_all_locks())


def _taken(locks: list[ForkSafe]) -> list[tuple[ForkSafe, bool]]:
    """Take all locks, and return whether each could be taken in time."""
    until_s = time.monotonic() + _LONGEST_WAIT_S
    while True:
        left_s = max(until_s - time.monotonic(), 0.0)
        # It is waited for the first one alone, with nothing in hand that its holder may be waiting for.
        taken = [(lock, lock.before_fork(left_s if lock is locks[0] else 0.0)) for lock in locks]
        held = [lock for lock, was_taken in taken if not was_taken]
        if not held or not left_s:
            return taken
        for lock, was_taken in taken:
            lock.after_fork(was_taken, in_child=False)
        locks = sorted(locks, key=lambda lock: lock is not held[0])


def _all_locks() -> list[ForkSafe]:
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
