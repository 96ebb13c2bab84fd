"""Read a JSON array, or objects one behind the other, element by element, without loading the whole."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

from data_loaders.dump_files.unpacking import LONGEST_LINE
from data_loaders.errors import DataError
from data_loaders.readers.encodings import mended, not_utf8

_CHUNK_BYTES = 1 << 18
_BETWEEN = re.compile(r"[\s,]*")
_BLANKS = re.compile(r"\s*")
_REMEDY = "Repair it, or write one object per line (.jsonl), where only malformed lines are refused."


REPEATED = "repeated_key"


def iterate_array(file: IO[bytes], name: str, remedy: str = _REMEDY) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield each element of the array, with warnings about invalid UTF-8 and repeated keys in it.

    Args:
        file: the file, positioned at the opening bracket; white space is allowed.
        name: name of the file, for messages.
        remedy: advice for a malformed array, for the message.

    Raises:
        DataError: the array is malformed, so that its remaining elements cannot be separated, or goes on after its end.
    """
    text = _Buffer(file)
    text.skip("[")
    number = 0
    while True:
        text.skip(",")
        if text.peek() == "]":
            break
        number += 1
        if not text.peek():
            raise DataError(f"{name} is malformed at item {number}: the file ends before the array is closed. {remedy}")
        try:
            yield text.element()
        except (ValueError, RecursionError) as problem:
            raise DataError(
                f"{name} is malformed at item {number}: {json_problem(problem)}. Later items cannot be read. {remedy}"
            ) from problem
    text.skip("]")
    text.skip(";")  # of JavaScript, in Twitter's archives
    if text.peek():
        raise DataError(
            f"{name} goes on after the end of its array of {number:,} items with {text.rest()!r}, which cannot be "
            f"read. Accepted: one array. {remedy}"
        )


def iterate_objects(file: IO[bytes], name: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield each of the values that stand one behind the other, over any number of lines, with warnings as for arrays.

    Args:
        file: the file, positioned at the first.
        name: name of the file, for messages.

    Raises:
        DataError: one is malformed, so that those behind it cannot be separated.
    """
    text = _Buffer(file)
    number = 0
    while text.peek():
        number += 1
        try:
            yield text.element()
        except (ValueError, RecursionError) as problem:
            raise DataError(
                f"{name} is malformed at object {number}: {json_problem(problem)}. Later objects cannot be read. "
                f"{_REMEDY}"
            ) from problem
        text.skip(",")


class JsonDecoder:
    """Decodes JSON, and notes a key that an object gives twice with different values, of which the last one counts.

    Attributes:
        warnings: about the value that was decoded last.
    """

    def __init__(self) -> None:
        self.warnings: tuple[str, ...] = ()
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)

    def decode(self, text: str) -> Any:
        """Return the value of a whole text.

        Raises:
            ValueError: it is not JSON.
        """
        self.warnings = ()
        return self._decoder.decode(text)

    def decode_from(self, text: str, position: int) -> tuple[Any, int]:
        """Return the value that begins at a position, and where it ends.

        Raises:
            ValueError: it is not JSON.
        """
        self.warnings = ()
        return self._decoder.raw_decode(text, position)

    def sequence(self, text: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """Yield the values of a text with nothing but blanks and commas between them, each with its warnings.

        Raises:
            ValueError: anything else stands there.
        """
        position = 0
        while position < len(text):
            value, position = self.decode_from(text, position)
            yield value, self.warnings
            between = _BETWEEN.match(text, position)
            position = between.end() if between else position

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            repeated = next((key for key, one in pairs if one is not value[key] and one != value[key]), None)
            if repeated is not None:
                said = f"the key {repeated[:60]!r} occurs twice with different values; accepted: each key once"
                self.warnings = (f"{REPEATED}: {said}",)
        return value


def json_problem(problem: Exception) -> str:
    """Return the decoder's message, without positions, which count from the start of its own buffer."""
    return problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)


class _Buffer:
    """The part of the file that is decoded but not yet consumed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._json = JsonDecoder()
        self._text = ""
        self._position = 0
        self._ended = False

    def _grow(self, characters: int) -> None:
        self._text = self._text[self._position :]
        self._position = 0
        while not self._ended and len(self._text) < characters:
            chunk = self._file.read(max(_CHUNK_BYTES, characters - len(self._text)))
            self._ended = not chunk
            self._text += self._decoder.decode(chunk, final=self._ended)

    def peek(self) -> str:
        """Return the next character that is not white space, without consuming it; `''` at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._position)
            self._position = self._position if blanks is None else blanks.end()
            if self._position < len(self._text):
                return self._text[self._position]
            if self._ended:
                return ""
            self._grow(1)

    def skip(self, character: str) -> None:
        """Consume white space, and `character` if it comes next."""
        if self.peek() == character:
            self._position += 1

    def rest(self, limit: int = 40) -> str:
        """Return the beginning of what comes next."""
        return mended(self._text[self._position : self._position + limit])[0]

    def element(self) -> tuple[Any, tuple[str, ...]]:
        """Consume the next element; return it, with warnings."""
        self.peek()
        wanted = _CHUNK_BYTES
        while True:
            try:
                value, end = self._json.decode_from(self._text, self._position)
                if end < len(self._text) or self._ended:
                    text, damaged = mended(self._text[self._position : end])
                    self._position = end
                    if not damaged:
                        return value, self._json.warnings
                    value = self._json.decode(text)
                    return value, (not_utf8(damaged), *self._json.warnings)
            except ValueError:
                if self._ended:
                    raise
                if len(self._text) - self._position > LONGEST_LINE:
                    raise ValueError(f"it is not closed within {LONGEST_LINE >> 20} MiB") from None
            # The element continues after the buffer. Doubling the buffer keeps the work linear in its length.
            wanted = max(wanted, 2 * (len(self._text) - self._position))
            self._grow(wanted)
