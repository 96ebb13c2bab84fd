"""Read JSON Lines, and JSON files with one array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import IO, Any

from data_loaders.dump_files.archives import is_packed, size_of
from data_loaders.dump_files.unpacking import LONGEST_LINE, lines
from data_loaders.errors import DataError
from data_loaders.readers.base import Findings, ReaderOptions, Record, Rejected
from data_loaders.readers.fields import KeyMapper, join_keys, listing
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.files import decode, estimated_lines
from data_loaders.readers.json_array import REPEATED, JsonDecoder, iterate_array, iterate_objects, json_problem
from data_loaders.readers.line_spans import LineSpan, line_spans, lines_of
from data_loaders.readers.records import EMPTY
from data_loaders.readers.registry import register_reader
from data_loaders.readers.reposts import repeated_post, repost_refused
from data_loaders.text.tag_lists import describe

_CHUNK_BYTES = 1 << 16
_PART_BYTES = 1 << 24
_MALFORMED = "malformed_json"
_TOO_LONG = f"The line has more than {LONGEST_LINE >> 20} MiB; accepted: one JSON object per line, of at most that."


@register_reader("json_lines")
class JsonLinesReader(FileReader):
    """Reads one object per line, or an array of objects; keys outside the exchange format are ignored."""

    accepts = ".jsonl or .ndjson (one object per line), .json (the same, or an array of objects), also with .gz"
    suffixes = (".jsonl", ".ndjson", ".json")

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        self._span: LineSpan | None = None
        self._mapper = self._new_mapper()

    def _new_mapper(self) -> KeyMapper:
        is_start = self._span is None or not self._span.lines_before
        return KeyMapper(self.options.columns, self.mapping_used, self.columns_unread, str(self.path), is_start)

    def parts(self) -> list[JsonLinesReader]:
        """Return readers of neighbouring lines, of about 16 MB each, if the file is plain text in UTF-8."""
        if self.options.encoding is not None or is_packed(self.path) or self.path.suffix.lower() == ".gz":
            return [self]
        if size_of(self.path) < 2 * _PART_BYTES or self._is_array() or self._is_printed():
            return [self]
        with self._open_bytes() as file:
            spans = line_spans(file, _PART_BYTES)
        return [self._part(span) for span in spans] if len(spans) > 1 else [self]

    def _part(self, span: LineSpan) -> JsonLinesReader:
        part = JsonLinesReader(self.path, self.options)
        part.shown, part._span = self.shown, span
        return part

    def identity(self) -> list[Any]:
        """Return what tells whether the records are still the same: of the file, its size, time and lines."""
        return [*super().identity(), None if self._span is None else astuple(self._span)]

    def findings(self) -> Findings:
        """Return what was found out, with what tells which keys the whole has."""
        found = super().findings()
        return replace(found, tallies={**found.tallies, "keys": self._mapper.tallies()})

    def joined(self, parts: Sequence[Findings]) -> Findings:
        """Return what the readers of parts of the file have found out together.

        Raises:
            DataError: a mapped key was never seen.
        """
        found = super().joined(parts)
        if len(parts) == 1:
            return found
        keys = [(part.mapping_used, part.columns_unread, part.tallies["keys"]) for part in parts]
        mapping, unread = join_keys(keys, self.options.columns, str(self.path))
        return replace(found, mapping_used=mapping, columns_unread=unread)

    def count(self) -> int | None:
        """Return an estimate of the number of lines; None for an array, objects over several lines and `.gz`."""
        return None if self._is_array() or self._is_printed() else estimated_lines(self.path, self.options.encoding)

    def records(self) -> Iterator[Record]:
        """Yield the record of every non-blank line, or of every item of the array or object over several lines."""
        mapper = self._mapper = self._new_mapper()
        is_array = self._span is None and self._is_array()
        is_printed = self._span is None and not is_array and self._is_printed()
        with self._open_bytes() as file:
            if is_array or is_printed:
                iterate = iterate_array if is_array else iterate_objects
                for number, (value, warnings) in enumerate(iterate(file, str(self.path)), start=1):
                    yield self._record(value, number, f"{self.path.name}:item {number}", mapper, warnings)
            else:
                yield from self._lines(file, mapper)
        if self._span is None:
            mapper.finish()

    def _is_array(self) -> bool:
        with self._open_bytes() as file:
            if _first_character(file) != b"[":
                return False
        with self._open_bytes() as file:
            filled = (line for line in lines(file) if line is None or line.strip())
            first, second = next(filled, None), next(filled, None)
        return not (first and second and _is_malformed_line(first, second))

    def _is_printed(self) -> bool:
        """Return whether objects stand over several lines each, as `jq` and `json.dump(…, indent=2)` print them."""
        with self._open_bytes() as file:
            filled = ((line or b"").strip() for line in lines(file) if line is None or line.strip())
            first, second = next(filled, b""), next(filled, b"")
        return first == b"{" and second[:1] in (b'"', b"}")

    def _lines(self, file: IO[bytes], mapper: KeyMapper) -> Iterator[Record]:
        decoder = JsonDecoder()
        first = 1 if self._span is None else self._span.lines_before + 1
        of_part = lines(file) if self._span is None else lines_of(file, self._span)
        for number, line in enumerate(of_part, start=first):
            where = f"{self.path.name}:{number}"
            if line is None:
                yield Rejected(where=where, reason="line_too_long", detail=_TOO_LONG)
                continue
            if not line.strip():
                continue
            text, warnings = decode(line)
            try:
                objects = self._objects(decoder, text.strip())
            except (ValueError, RecursionError) as problem:
                seen = f"{json_problem(problem)}. The line begins with {text.strip()[:60]!r}"
                detail = f"{seen}; accepted: one JSON object per line."
                yield Rejected(where=where, reason=_MALFORMED, detail=detail)
                continue
            for value, warned in objects:
                yield self._record(value, number, where, mapper, (*warnings, *warned))

    def _objects(self, decoder: JsonDecoder, text: str) -> Iterable[tuple[Any, tuple[str, ...]]]:
        """Return the value of a line, or objects that stand one behind the other in it, each with warnings.

        Raises:
            ValueError: it is not JSON, or holds anything but objects behind its first value.
        """
        try:
            return [(decoder.decode(text), decoder.warnings)]
        except ValueError:
            # Looked through first, because all of them together may be large, and a broken line is refused as a whole.
            if self._numbers_rows or not _are_objects(decoder, text):
                raise
            return decoder.sequence(text)

    def _record(self, value: Any, number: int, where: str, mapper: KeyMapper, warnings: tuple[str, ...]) -> Record:
        if not isinstance(value, dict):
            detail = f'The record is {describe(value)}. Accepted: an object such as {{"post_id": …}}.'
            return Rejected(where=where, reason="wrong_type", detail=detail)
        repeated = next((text for text in warnings if text.startswith(REPEATED)), None)
        if repeated is not None:
            detail = f"T{repeated.removeprefix(REPEATED + ': t')}."
            return Rejected(where=where, reason=REPEATED, detail=detail)
        fields = mapper.fields(value)
        if (repeats := repeated_post(value)) is not None:
            return repost_refused(where, repeats, fields.get("post_id"))
        holder = _holder(value) if not fields or ("post_id" not in fields and not self._numbers_rows) else None
        if holder is None:
            record = self._build(fields, number, where, (*warnings, *mapper.warnings))
            holder = _holder(value) if isinstance(record, Rejected) and record.reason == EMPTY else None
            if holder is None:
                return record
        if number == 1 and not fields:
            raise self._no_posts(value)
        return Rejected(where=where, reason="wrong_type", detail=f"The record is {_described(value, holder)}")

    def _no_posts(self, value: Any) -> DataError:
        described = _described(value, _holder(value)) if isinstance(value, dict) else f"{describe(value)}."
        return DataError(f"{self.path} contains {described}")


def _are_objects(decoder: JsonDecoder, text: str) -> bool:
    try:
        return all(isinstance(value, dict) for value, _ in decoder.sequence(text))
    except ValueError:
        return False


def _holder(record: dict[str, Any]) -> str | None:
    """Return the key of a list of objects, which may be the posts; None if there is none."""
    lists = (key for key, value in record.items() if isinstance(value, list) and value and isinstance(value[0], dict))
    return next(lists, None)


def _described(record: dict[str, Any], holder: str | None) -> str:
    accepted = "Accepted: one object per line, or an array of objects."
    text = f"one object with the keys {listing(list(record))}, not posts. {accepted}"
    if holder is None:
        return text
    items, path = f"{len(record[holder]):,} objects of its key {holder!r}", json.dumps([holder])
    return f"{text} If the posts are the {items}, write those, for example with jq -c '.{path}[]'."


def _is_malformed_line(line: bytes, following: bytes) -> bool:
    """Return whether a line that begins with `[` is a malformed one of a file of lines, and not an array of posts.

    So is a whole list that holds no objects before a line with an object, and a list that nests deeper than any post.
    """
    try:
        value = json.loads(line)
    except ValueError:
        return False
    except RecursionError:
        return True
    records = not isinstance(value, list) or any(isinstance(element, dict) for element in value)
    return not records and following.lstrip()[:1] == b"{"


def _first_character(file: IO[bytes]) -> bytes:
    """Return the first byte that is not white space."""
    head = b""
    while not head and (chunk := file.read(_CHUNK_BYTES)):
        head = chunk.lstrip()
    return head[:1]
