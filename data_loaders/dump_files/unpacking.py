"""Bounds on what is unpacked or read by lines: packed data can unpack to any size, and a line can have any length."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import IO, Protocol

from data_loaders.errors import DataError

LONGEST_LINE = 1 << 24
"""Bytes of the longest line, cell or JSON value that is read."""
MOST_UNPACKED_PER_BYTE = 200
"""More than so many bytes from one packed byte are refused, where there are more than 64 MiB."""
_UNPACKED_UNQUESTIONED = 1 << 26
# Millions of empty lines fit into a kilobyte.
_MOST_BLANK = 1 << 22


def most_unpacked(packed_bytes: int) -> int:
    """Return how many bytes data of a packed size may unpack to: 64 MiB, or 200 times that size, whichever is more."""
    return max(_UNPACKED_UNQUESTIONED, packed_bytes * MOST_UNPACKED_PER_BYTE)


class _Packed(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...


class _Unpacking(io.RawIOBase):
    """Unpacked bytes, as long as they are not out of proportion to the packed ones."""

    def __init__(self, file: _Packed, name: str, packed_bytes: int) -> None:
        self._file, self._name, self._packed_bytes = file, name, packed_bytes
        self._position = self._blank = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._position = self._file.seek(offset, whence)
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        check_proportion(self._name, self._packed_bytes, self._position)
        self._blank = self._blank + len(content) if content.isspace() else 0
        if self._blank > _MOST_BLANK:
            raise DataError(
                f"{self._name} unpacks to more than {_MOST_BLANK >> 20} MiB of white space in one place. It is not "
                "read; remove the empty lines."
            )
        return len(content)


def check_proportion(name: str, packed_bytes: int, unpacked_bytes: int) -> None:
    """Refuse data that unpacks to more than 64 MiB and more than 200 times its packed size.

    Raises:
        DataError: it does; the message names it by `name`.
    """
    most = most_unpacked(packed_bytes)
    if unpacked_bytes > most:
        raise DataError(
            f"{name} unpacks to more than {most >> 20:,} MiB, over {MOST_UNPACKED_PER_BYTE} times its size. It is not "
            "read: real posts do not repeat themselves so much. If it is what you want, unpack it and give the "
            "unpacked file."
        )


def unpacking(file: _Packed, name: str, packed_bytes: int) -> IO[bytes]:
    """Return a file that is being decompressed, limited to 64 MiB or 200 times its packed size, whichever is more.

    Args:
        file: decompresses.
        name: its name, for messages.
        packed_bytes: its size on disk.

    Raises:
        DataError: on reading beyond the limit.
    """
    return io.BufferedReader(_Unpacking(file, name, packed_bytes), 1 << 17)


def lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Yield every line of a file with its end; None for one longer than `LONGEST_LINE`, which is skipped."""
    while line := file.readline(LONGEST_LINE):
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while (line := file.readline(LONGEST_LINE)) and not line.endswith(b"\n"):
            pass
        yield None
