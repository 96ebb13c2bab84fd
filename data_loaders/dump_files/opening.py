"""Open a file, if it is a regular one, inside the dump and not too large.

A named pipe would be waited on for ever, a device can give bytes without end, and a symbolic link can lead to a private
file.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import IO, BinaryIO

from data_loaders.dump_files.archives import find_archive, is_packed
from data_loaders.errors import DataError

LONGEST_PATH = 4_096
"""Characters of the longest path that is looked for: no system has longer ones."""
_CHUNK_BYTES = 1 << 20
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Not all systems have all flags. Without O_NONBLOCK, opening a named pipe waits for its writer.
_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)


class FileRefused(DataError):
    """A file that is not read.

    Attributes:
        reason: `missing`, `outside_dump`, `not_a_file`, `too_large` or `unreadable`.
        cause: the reason in words.
    """

    def __init__(self, path: Path, reason: str, cause: str) -> None:
        super().__init__(f"{path} cannot be read: {cause}.")
        self.reason = reason
        self.cause = cause


def open_file(path: Path, root: Path | None = None, most_bytes: int | None = None) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        path: the file; a symbolic link is followed, and a path such as `dump.zip/posts.csv` leads into an archive.
        root: the folder that the file must be in once all symbolic links are followed; None for anywhere, for a path
            that the user gave.
        most_bytes: size of the largest file that is opened; None for any.

    Raises:
        FileRefused: the file is missing, outside, a pipe, a device, a folder, too large, or cannot be opened.
    """
    real = resolve(path, root)
    packed = _open_packed(path, real, most_bytes)
    if packed is not None:
        return packed
    try:
        _check(path, real.stat(), most_bytes)  # opening a device can have effects
        file = os.fdopen(os.open(real, _FLAGS), "rb")
    except FileNotFoundError as problem:
        raise FileRefused(path, "missing", "there is no such file") from problem
    except OSError as problem:
        raise FileRefused(path, "unreadable", problem.strerror or str(problem)) from problem
    try:
        # Once more: the file can have been replaced since.
        _check(path, os.fstat(file.fileno()), most_bytes)
        if root is not None and resolve(real, root) != real:
            raise _outside(path, real, root)
    except BaseException:
        file.close()
        raise
    return file


def resolve(path: Path, root: Path | None = None) -> Path:
    """Return the path without symbolic links.

    Args:
        path: a path; it need not exist.
        root: the folder that it must be in; None for anywhere.

    Raises:
        FileRefused: it is outside, or is not a possible path.
    """
    if len(os.fspath(path)) > LONGEST_PATH:
        shown = Path(os.fspath(path)[:60] + "…")
        raise FileRefused(shown, "unreadable", f"a path has at most {LONGEST_PATH:,} characters")
    try:
        real = Path(os.path.realpath(path))
        inside = root is None or real.is_relative_to(os.path.realpath(root))
    except (OSError, ValueError) as problem:
        raise FileRefused(path, "unreadable", str(problem)) from problem
    if not inside:
        raise _outside(path, real, root)
    return real


def read_file(path: Path, root: Path | None, most_bytes: int) -> bytes:
    """Return the content of a file.

    Args:
        path: the file.
        root: see `open_file`.
        most_bytes: size of the largest file that is read.

    Raises:
        FileRefused: see `open_file`; or it cannot be read, or grew beyond that size.
    """
    with open_file(path, root, most_bytes) as file:
        try:
            content = read_at_most(file, most_bytes + 1)
        except OSError as problem:
            raise FileRefused(path, "unreadable", problem.strerror or str(problem)) from problem
    if len(content) > most_bytes:
        raise FileRefused(path, "too_large", f"it has more than {most_bytes:,} bytes")
    return content


def read_at_most(file: IO[bytes], most_bytes: int) -> bytes:
    """Return what is left of a file, at most so many bytes, in the memory that it takes.

    `read(most_bytes)` would take memory for as many bytes before the first is read.
    """
    content = io.BytesIO()
    while chunk := file.read(min(_CHUNK_BYTES, most_bytes - content.tell())):
        content.write(chunk)
    return content.getvalue()


def _open_packed(path: Path, real: Path, most_bytes: int | None) -> BinaryIO | None:
    """Open a file in an archive; None for any other."""
    try:
        found = find_archive(real) if is_packed(real) else None
        if found is None:
            return None
        archive, name = found
        if not archive.holds(name):
            raise FileRefused(path, "missing", "there is no such file in the archive")
        if most_bytes is not None and archive.size(name) > most_bytes:
            raise _too_large(path, archive.size(name), most_bytes)
        return archive.open(name)
    except (DataError, OSError) as problem:
        if isinstance(problem, FileRefused):
            raise
        cause = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise FileRefused(path, "unreadable", cause.rstrip(".")) from problem


def _check(path: Path, status: os.stat_result, most_bytes: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise FileRefused(path, "not_a_file", f"it is {kind}; accepted: a file")
    if most_bytes is not None and status.st_size > most_bytes:
        raise _too_large(path, status.st_size, most_bytes)


def _too_large(path: Path, size: int, most_bytes: int) -> FileRefused:
    return FileRefused(path, "too_large", f"it has {size:,} bytes; accepted: at most {most_bytes:,}")


def _outside(path: Path, real: Path, root: Path | None) -> FileRefused:
    return FileRefused(path, "outside_dump", f"it leads to {real}, outside of {root}; copy the file into the dump")
