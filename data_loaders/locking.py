"""`locked`: one process at a time writes into a folder, and the others are told which one does."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

from data_loaders.errors import UserError

logger = logging.getLogger(__name__)

_HELD: set[int] = set()
_UNINTERRUPTED: set[CodeType] = set()
Function = TypeVar("Function", bound=Callable[..., Any])


class FolderInUseError(UserError):
    """Another process writes into the folder."""


def uninterrupted(function: Function) -> Function:
    """Mark a function that cleans up: a command lets Ctrl-C wait until it has returned."""
    _UNINTERRUPTED.add(function.__code__)
    return function


def is_uninterrupted(code: CodeType) -> bool:
    """Return whether code is that of a function which `uninterrupted` has marked."""
    return code in _UNINTERRUPTED


def holds_locks() -> bool:
    """Return whether this process is writing a folder at the moment."""
    return bool(_HELD)


@contextmanager
def locked(path: Path, folder: Path, doing: str, *, shared: bool = False) -> Iterator[bool]:
    """Hold a lock file while the block runs; the lock of a process that was killed vanishes with it.

    Args:
        path: the lock file; made, and deleted at the end.
        folder: what it protects, for the messages.
        doing: what this process does with it, for the message that others get: "training in it".
        shared: let others hold the lock too if they share it.

    Yields:
        Whether the lock is held; False where the file system knows no locks, which is said.

    Raises:
        FolderInUseError: another process holds it.
        OSError: the lock file cannot be made.
    """
    descriptor = _acquire(path, folder, shared)
    if descriptor is None:
        logger.warning(
            "%s cannot be locked: its file system knows no locks. Make sure that no other process writes into it.",
            folder,
        )
        yield False
        return
    _HELD.add(descriptor)
    try:
        _write_holder(descriptor, doing)
        yield True
    finally:
        _release(descriptor, path)


def _acquire(path: Path, folder: Path, shared: bool) -> int | None:
    try:
        import fcntl  # POSIX only
    except ImportError:
        return None
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 4_096, 0)
            os.close(descriptor)
            raise FolderInUseError(_refusal(folder, holder)) from None
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            return None
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # its last holder has deleted it in the meantime


@uninterrupted
def _release(descriptor: int, path: Path) -> None:
    if descriptor not in _HELD:
        return  # a forked process let go of it
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if others share it: the last one deletes it
        if _is_at(descriptor, path):
            path.unlink()
    os.close(descriptor)
    _HELD.discard(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int, doing: str) -> None:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "doing": doing}
    with suppress(OSError):  # a full disk: the lock holds without its name
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _refusal(folder: Path, holder: bytes) -> str:
    try:
        known = json.loads(holder)
        who = f"process {known['pid']} on {known['host']} has been {known['doing']} since {known['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another process writes into it"
    return f"{folder} is in use: {who}. Wait until it has ended, or stop it, or choose another folder."


def _let_go() -> None:
    # A forked process, such as a worker that outlives its parent, must not keep the parent's locks.
    for descriptor in _HELD:
        os.close(descriptor)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
