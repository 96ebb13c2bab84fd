"""Read text in other encodings than UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from typing import IO, TYPE_CHECKING, cast

from data_loaders.errors import ConfigError, DataError
from data_loaders.readers.likely_encodings import suggestion

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK_BYTES = 1 << 16
_MARKS = (
    ((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-32"),  # begins like UTF-16
    ((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16"),
)
_NULS_WITHIN, _MOSTLY = 200, 0.5
# What switches to Japanese and back; text in it is ASCII otherwise.
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]|\x1b\(J")
_BYTES = re.compile("[\udc80-\udcff]+")


def check_encoding(encoding: str) -> None:
    """Refuse an unknown encoding.

    Raises:
        ConfigError: Python does not know it, or it is none of text.
    """
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as problem:
        raise ConfigError(
            f"--encoding {encoding!r} is unknown; accepted: utf-8, windows-1252, latin-1, utf-16, windows-1251, "
            "gb18030, cp932 and others that Python knows."
        ) from problem


def evident_encoding(head: bytes) -> str | None:
    """Return the encoding of a file that cannot be UTF-8, by its first bytes; None if they may be UTF-8.

    >>> evident_encoding("﻿a".encode("utf-16-le")), evident_encoding("post_id,caption".encode("utf-16-be"))
    ('utf-16', 'utf-16-be')
    >>> evident_encoding("1,海".encode("iso2022_jp")), evident_encoding(b"post_id")
    ('iso2022_jp', None)
    """
    marked = next((name for marks, name in _MARKS if head.startswith(marks)), None)
    if marked or (head.isascii() and _ISO_2022_JP.search(head)):
        return marked or "iso2022_jp"
    start = head[:_NULS_WITHIN]
    nuls = [start[place::2].count(0) * 2 / max(len(start), 1) for place in (0, 1)]
    # Every other byte of what is mostly ASCII, and none of the others.
    if min(nuls) == 0 and max(nuls) > _MOSTLY:
        return "utf-16-be" if nuls[0] else "utf-16-le"
    return None


def reads(encoding: str, seen: str) -> bool:
    """Return whether text whose first bytes show one encoding may be read in another that is given.

    >>> reads("utf16", "utf-16"), reads("csiso2022jp", "iso2022_jp"), reads("iso-8859-1", "utf-16")
    (True, True, False)
    """
    given = codecs.lookup(encoding).name
    return given == codecs.lookup(seen).name or given.startswith(("utf-16", "utf-32", "iso2022"))


def not_utf8(content: bytes = b"") -> str:
    """Return the warning for text that is not valid UTF-8.

    Args:
        content: the text, or a part of it that holds the bytes; empty if it is not known.
    """
    try:
        content.decode("utf-8")
        seen = ""
    except UnicodeDecodeError as problem:
        seen = f" such as {content[problem.start : problem.start + 4]!r}"
    return f"invalid_utf8: bytes that are not UTF-8{seen} are replaced by U+FFFD; accepted: UTF-8{suggestion(content)}"


def mended(text: str) -> tuple[str, bytes]:
    """Return text that was decoded with `surrogateescape` with U+FFFD in place of bytes, and the bytes it came from.

    The second is empty if the text was right.
    """
    if text.isascii() or not _BYTES.search(text):
        return text, b""
    content = text.encode("utf-8", "surrogateescape")
    return content.decode("utf-8", "replace"), content


class Recoded(io.RawIOBase):
    """A file in another encoding, read as UTF-8.

    Bytes that the encoding does not have pass through, and are not UTF-8.

    Args:
        file: the file.
        encoding: of the file.
        name: of the file, for messages.

    Raises:
        DataError: on reading, bytes that cannot be text in this encoding.
    """

    def __init__(self, file: IO[bytes], encoding: str, name: str) -> None:
        self._file, self._encoding, self._name = file, encoding, name
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._ready = b""
        self._at_start = True

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer; return the number of bytes."""
        view = memoryview(buffer).cast("B")
        while not self._ready:
            chunk = self._file.read(_CHUNK_BYTES)
            self._ready = self._decoded(chunk).encode("utf-8", "surrogateescape")
            if not chunk:
                break
        part, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(part)] = part
        return len(part)

    def _decoded(self, chunk: bytes) -> str:
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeError as problem:
            raise DataError(
                f"{self._name} is not encoded in {self._encoding}: {problem}. Give another --encoding, or save the "
                "file as UTF-8."
            ) from problem
        if self._at_start and text:
            self._at_start = False
            return text.removeprefix("\ufeff")
        return text


def recoded(file: IO[bytes], encoding: str, name: str) -> IO[bytes]:
    """Return a file in another encoding as one in UTF-8, see `Recoded`."""
    return cast("IO[bytes]", io.BufferedReader(Recoded(file, encoding, name), _CHUNK_BYTES))
