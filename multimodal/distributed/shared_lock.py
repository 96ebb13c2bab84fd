"""`SharedLock`: a lock that a few threads share, or that one has alone."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from multimodal.distributed.forking import ForkSafe


class SharedLock(ForkSafe):
    """A reentrant lock of readers and writers; threads come in in the order in which they ask.

    A thread that shares it may have it alone once the others have left; two that want that wait for ever.

    Args:
        most: how many threads may share it at a time, at least 1.

    Raises:
        RunError: on use in a child that was forked while another thread held it for more than 10 s.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self._changed = threading.Condition()
        # How often each thread holds it, and how often whoever has it alone.
        self._holders: Counter[int] = Counter()
        self._alone = 0
        self._line: deque[object] = deque()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold it beside other threads in a `with` block."""
        self._enter(alone=False)
        try:
            yield
        finally:
            self._leave(alone=False)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold it without other threads in a `with` block."""
        self._enter(alone=True)
        try:
            yield
        finally:
            self._leave(alone=True)

    def _enter(self, alone: bool) -> None:
        self._refuse_lost()
        own = threading.get_ident()
        with self._changed:
            if own not in self._holders:
                self._wait_in_line(alone)
            elif alone:
                self._changed.wait_for(lambda: len(self._holders) == 1)
            self._holders[own] += 1
            self._alone += alone

    def _wait_in_line(self, alone: bool) -> None:
        ticket, most = object(), 1 if alone else self.most
        self._line.append(ticket)
        try:
            self._changed.wait_for(lambda: self._line[0] is ticket and not self._alone and len(self._holders) < most)
        finally:
            self._line.remove(ticket)
            self._changed.notify_all()

    def _leave(self, alone: bool) -> None:
        own = threading.get_ident()
        with self._changed:
            self._alone -= alone
            self._holders[own] -= 1
            if not self._holders[own]:
                del self._holders[own]
            self._changed.notify_all()

    def before_fork(self, wait_s: float) -> bool:
        """Keep other threads out and return whether they could be waited for in time."""
        if not self._changed.acquire(timeout=wait_s):
            return False
        own = threading.get_ident()
        if self._changed.wait_for(lambda: not set(self._holders) - {own}, wait_s):
            return True
        self._changed.release()
        return False

    def after_fork(self, taken: bool, in_child: bool) -> None:
        """Let other threads in; a child has none."""
        super().after_fork(taken, in_child)
        if in_child:
            self._changed = threading.Condition()
            self._line.clear()
        elif taken:
            self._changed.release()
