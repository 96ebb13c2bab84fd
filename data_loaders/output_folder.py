"""Write a folder completely or not at all."""

from __future__ import annotations

import ctypes
import logging
import os
import re
import shutil
import sys
import uuid
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from data_loaders.errors import DataError, UserError, full_disk, some_of
from data_loaders.locking import locked, uninterrupted

logger = logging.getLogger(__name__)

# What a file or folder is called until it is in place, and what the one that it replaces is called meanwhile.
_PART, _OLD = ".part", ".old"
_AT_WORKING_DIRECTORY, _EXCHANGE = -100, 2  # of linux/fcntl.h and linux/fs.h


def check_name(output: Path) -> None:
    """Refuse a folder whose name libraries cannot write into.

    Raises:
        DataError: its path is not UTF-8.
    """
    try:
        os.fspath(output).encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"output {os.fspath(output)!r}: the name is not UTF-8; choose another --output") from None


def check_replaceable(output: Path, marker: str, names: Collection[str]) -> None:
    """Refuse to replace a folder that contains anything but the output of an earlier run of the same command.

    Args:
        output: the folder; it need not exist.
        marker: the file that identifies the output of an earlier run.
        names: all names that such a run writes.

    Raises:
        DataError: `output` is a file, or a folder with other content, or its name is not UTF-8.
    """
    check_name(output)
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(f"output {output} is a file; give a folder, for example --output data/prepared")
    found = sorted(entry.name for entry in output.iterdir())
    if not found:
        return
    if marker not in found:
        raise DataError(
            f"output {output} contains {some_of(found)} but no {marker}, so it is not a prepared folder and is not "
            "replaced; choose an empty or a new folder for --output"
        )
    foreign = [name for name in found if name not in names]
    if foreign:
        raise DataError(
            f"output {output} is a prepared folder but also contains {some_of(foreign)}, which replacing it would "
            "delete; move these away or choose another --output"
        )


@contextmanager
def atomic_folder(output: Path, doing: str = "writing it") -> Iterator[Path]:
    """Yield a new folder beside `output` that replaces it when the block succeeds and is removed when it fails.

    At every moment `output` is the old folder or the new one, complete and on the disk. One process at a time writes
    it; what killed ones left beside it is removed. Where it is the working directory, this process goes on in the new
    one, and a warning says that shells have to enter it again.

    Args:
        output: the folder.
        doing: what this process does with it, for the message that others get.

    Raises:
        FolderInUseError: another process is writing it.
        DataError: the folder cannot be created there.
    """
    check_name(output)
    output = output if output.name not in ("", "..") else output.resolve()
    part, is_here = temporary_beside(output), _is_working_directory(output)
    with ExitStack() as stack:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            if stack.enter_context(locked(lock_of(output), output, doing)):
                _clear(output)
            stack.callback(_remove, part)
            part.mkdir()
        except OSError as error:
            raise DataError(
                f"output {output} cannot be created: {error.strerror or error}.{full_disk(error, output)}"
            ) from error
        yield part
        settle(part)
        replace_folder(part, output)
    if is_here:
        os.chdir(output)
        logger.warning("the folder you are in was replaced; enter it again: cd %s", output)


def _is_working_directory(folder: Path) -> bool:
    return folder.exists() and folder.samefile(os.curdir)


def temporary_beside(path: Path) -> Path:
    """Return a new hidden name beside a file or folder, which `left_over` recognises."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_PART}")


def lock_of(output: Path) -> Path:
    """Return the lock file of a folder, beside it."""
    return output.with_name(f".{output.name}.lock")


def left_over(name: str, of: str | None = None) -> bool:
    """Return whether a name is a temporary one, `of` a file or folder of this name.

    >>> left_over(".prepared.0123abcd.part"), left_over("prepared"), left_over(".a.0123abcd.old", of="b")
    (True, False, False)
    """
    whose = ".+" if of is None else re.escape(of)
    return re.fullmatch(rf"\.{whose}\.[0-9a-f]{{8}}({_PART}|{_OLD})", name) is not None


def restore(output: Path) -> None:
    """Put a folder back that a killed process left under its hidden name only.

    That happens only where a file system cannot exchange two folders in one step.
    """
    if output.exists() or not output.parent.is_dir() or not any(_left_of(output, _OLD)):
        return
    with suppress(OSError, UserError), locked(lock_of(output), output, "putting it back") as alone:
        if alone:
            _clear(output)


def settle(folder: Path) -> None:
    """Give every file of a folder the mode that the umask asks for, and return when the disk has all of it.

    Libraries that write a file under another name first leave it readable by its owner only.
    """
    mode = folder.stat().st_mode & 0o666
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(mode)
            synchronise(path)
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        synchronise(path)


@uninterrupted
def replace_folder(part: Path, output: Path) -> None:
    """Let a folder take the place of another, which may be missing; `part` is gone then, or the replaced one."""
    if not output.exists():
        part.rename(output)
    elif not _exchange(part, output):
        old = temporary_beside(output).with_suffix(_OLD)
        output.rename(old)
        try:
            part.rename(output)
        except BaseException:
            old.rename(output)
            raise
        _remove(old)
    synchronise(output.parent)


def synchronise(path: Path) -> None:
    """Return when the disk has the content of a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # some file systems cannot, for a folder
            raise
    finally:
        os.close(descriptor)


def _left_of(output: Path, suffix: str) -> Iterator[Path]:
    names = (path for path in output.parent.iterdir() if left_over(path.name, output.name))
    return (path for path in names if path.suffix == suffix)


def _clear(output: Path) -> None:
    """Remove what killed processes left beside a folder; first put it back if only its hidden name is left."""
    for old in _left_of(output, _OLD):
        if not output.exists():
            old.rename(output)
            logger.warning("%s was put back: a process was killed while it replaced the folder", output)
    for path in (*_left_of(output, _PART), *_left_of(output, _OLD)):
        _remove(path)


def _exchange(part: Path, output: Path) -> bool:
    """Exchange the names of two folders in one step; return False where the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (_AT_WORKING_DIRECTORY, os.fsencode(part), _AT_WORKING_DIRECTORY, os.fsencode(output))
    return rename is not None and rename(*names, _EXCHANGE) == 0


@uninterrupted
def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
