"""Read a JSON array element by element, without loading it whole."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

from data_loaders.dump_files import LONGEST_LINE
from data_loaders.errors import DataError

_CHUNK_BYTES = 1 << 18
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"\s*")
_REMEDY = "Repair it, or write one object per line (.jsonl), where only malformed lines are refused."


def iterate_array(file: IO[bytes], name: str, remedy: str = _REMEDY) -> Iterator[tuple[Any, bool]]:
    """Yield each element of the array, and whether invalid UTF-8 in it was replaced.

    Args:
        file: the file, positioned at the opening bracket; white space is allowed.
        name: name of the file, for messages.
        remedy: advice for a malformed array, for the message.

    Raises:
        DataError: the array is malformed, so that its remaining elements cannot be separated.
    """
    text = _Buffer(file)
    text.skip("[")
    number = 0
    while True:
        text.skip(",")
        if text.peek() == "]":
            return
        number += 1
        try:
            yield text.element()
        except (ValueError, RecursionError) as problem:
            raise DataError(
                f"{name} is malformed at item {number}: {json_problem(problem)}. Later items cannot be read. {remedy}"
            ) from problem


def json_problem(problem: Exception) -> str:
    """Return the decoder's message, without positions, which count from the start of its own buffer."""
    return problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)


class _Buffer:
    """The part of the file that is decoded but not yet consumed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
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

    def element(self) -> tuple[Any, bool]:
        """Consume the next element; return it, and whether invalid UTF-8 in it was replaced."""
        self.peek()
        wanted = _CHUNK_BYTES
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._position)
                if end < len(self._text) or self._ended:
                    replaced = "\ufffd" in self._text[self._position : end]
                    self._position = end
                    return value, replaced
            except ValueError:
                if self._ended:
                    raise
                if len(self._text) - self._position > LONGEST_LINE:
                    raise ValueError(f"it is not closed within {LONGEST_LINE >> 20} MiB") from None
            # The element continues after the buffer. Doubling the buffer keeps the work linear in its length.
            wanted = max(wanted, 2 * (len(self._text) - self._position))
            self._grow(wanted)
