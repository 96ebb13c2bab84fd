"""`LineSpan`: a part of a file of lines, cut where a line ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from data_loaders.dump_files.unpacking import lines

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LineSpan:
    """Neighbouring lines of a file.

    Attributes:
        start: where the first begins, in bytes.
        stop: where the last ends.
        lines_before: how many lines of the file come before.
    """

    start: int
    stop: int
    lines_before: int


def line_spans(file: IO[bytes], size: int) -> list[LineSpan]:
    """Return spans that hold all lines of a file together, each of `size` bytes and the rest of a line.

    The file is read once, to count its lines.

    Args:
        file: positioned at the first line.
        size: of a span in bytes, at least 1.
    """
    spans: list[LineSpan] = []
    start = position = file.tell()
    lines_before = counted = 0
    while chunk := file.read(_CHUNK_BYTES):
        done = 0
        while (end := chunk.find(b"\n", max(start + size - 1 - position, done))) >= 0:
            counted += chunk.count(b"\n", done, end + 1)
            done = end + 1
            spans.append(LineSpan(start, position + done, lines_before))
            start, lines_before = position + done, counted
        counted += chunk.count(b"\n", done)
        position += len(chunk)
    if start < position:
        spans.append(LineSpan(start, position, lines_before))
    return spans


def lines_of(file: IO[bytes], span: LineSpan) -> Iterator[bytes | None]:
    """Yield the lines of a span as `lines` does.

    Args:
        file: can be positioned.
        span: of the file.
    """
    file.seek(span.start)
    every = lines(file)
    while file.tell() < span.stop and (line := next(every, b"")) != b"":
        yield line
