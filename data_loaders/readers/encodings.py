"""Read text in other encodings than UTF-8, and tell which encoding text that is not UTF-8 is likely to have."""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from typing import IO, TYPE_CHECKING, cast

from data_loaders.errors import ConfigError, DataError

if TYPE_CHECKING:
    from typing_extensions import Buffer

WESTERN = "windows-1252"
_CHUNK_BYTES = 1 << 16
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_LONGEST_RUN = 2
_SEEMS = re.compile(r"; it seems to be (\S+): try --encoding ")
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
            "gb18030, shift_jis and others that Python knows."
        ) from problem


def likely_encoding(content: bytes) -> str | None:
    """Return the encoding that text that is not UTF-8 seems to have; None if it is hard to tell.

    Western European letters stand alone between others, which those of other scripts and damaged UTF-8 do not.

    >>> likely_encoding("Café à Paris, Größe".encode("windows-1252")), likely_encoding("Привет".encode("cp1251"))
    ('windows-1252', None)
    """
    if not content.decode("utf-8", "ignore").isascii():
        return None
    runs = _NOT_ASCII.findall(content)
    try:
        content.decode(WESTERN)
    except UnicodeDecodeError:
        return None
    return WESTERN if runs and max(map(len, runs)) <= _LONGEST_RUN else None


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
    likely = likely_encoding(content)
    remedy = f"; it seems to be {likely}: try --encoding {likely}" if likely else ""
    return f"invalid_utf8: bytes that are not UTF-8{seen} are replaced by U+FFFD; accepted: UTF-8{remedy}"


class LikelyEncodings:
    """Counts the encodings that the records of a dump seem to have."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, detail: str) -> None:
        """Count one record, given what was said of it: the text of `not_utf8`, or another one that holds it."""
        if seen := _SEEMS.search(detail):
            self._counts[seen[1]] += 1

    def notes(self) -> list[str]:
        """Return a sentence for each encoding, with what to do."""
        return [
            f"{count:,} records hold bytes that are not UTF-8 and seem to be {name}; if so, read the dump with "
            f"--encoding {name}."
            for name, count in self._counts.most_common()
        ]


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
