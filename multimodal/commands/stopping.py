"""Ctrl-C and SIGTERM end the command quietly, with exit status 130, from the first import on."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from multimodal.distributed.stop_signals import handle_stop_signals, stop_signals_handled

INTERRUPTED = 130
_RETRY_S = 0.02

# Files of functions that are called when an object is deleted.
_CALLED_BY_DELETION = tuple(cls.__init__.__code__.co_filename for cls in (weakref.WeakSet, weakref.WeakValueDictionary))


def leave_at_once(status: int) -> None:
    """From now on let these signals end the process with this status: there is nothing to clean up."""

    def leave(number: int, frame: FrameType | None) -> None:
        if status == INTERRUPTED:
            os.write(2, b"stopped\n")
        os._exit(status)

    handle_stop_signals(leave)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let these signals raise `KeyboardInterrupt` in a block, so that it can clean up.

    Not while a module is imported or an object deleted, where an exception is lost or ends in a crash, nor while
    something is cleaned up: there the process ends at once if it is not writing a folder; otherwise the signal waits.
    """
    from threading import Timer

    own = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:
            os._exit(INTERRUPTED)  # a worker that was forked; its parent cleans up
        locking = sys.modules.get("data_loaders.locking")
        if not _has_to_wait(frame, locking):
            raise KeyboardInterrupt
        if locking is None or not locking.holds_locks():
            os.write(2, b"stopped\n")
            os._exit(INTERRUPTED)
        Timer(_RETRY_S, os.kill, (own, number)).start()

    with stop_signals_handled(stop):
        yield


def _has_to_wait(frame: FrameType | None, locking: Any) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "__del__":
            return True
        if code.co_filename in _CALLED_BY_DELETION:
            return True
        if locking is not None and locking.is_uninterrupted(code):
            return True
        frame = frame.f_back
    return False
