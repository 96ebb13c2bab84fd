"""`FileSlice`: a part of a file that others read at the same time."""

from __future__ import annotations

import io
import os
from typing import BinaryIO


class FileSlice(io.RawIOBase):
    """Bytes of a file, read by position, so that neither threads nor forked processes move each other's place.

    Args:
        file: a file on disk; it stays open as long as this is used.
        start: where the part begins.
        size: how many bytes it has.
    """

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size = file, start, size
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place of the part, also behind its end, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer and return how many bytes; EOFError where the file ends before the part does."""
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        content = os.pread(self._file.fileno(), wanted, self._start + self._position)
        if not content:
            raise EOFError("the archive ends in the middle of the file")
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
