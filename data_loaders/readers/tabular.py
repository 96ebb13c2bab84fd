"""Read comma- and tab-separated tables with a header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import ClassVar

from data_loaders.dump_files.unpacking import LONGEST_LINE
from data_loaders.errors import DataError
from data_loaders.readers.base import FIELDS, Record, Rejected
from data_loaders.readers.encodings import mended, not_utf8
from data_loaders.readers.fields import listing
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.files import estimated_lines
from data_loaders.readers.registry import register_reader
from data_loaders.readers.split_times import complete_time
from data_loaders.readers.table_rows import Row, TableRows

_ROWS_LOOKED_INTO = 1_000
_AROUND = " \t\ufeff"
_REPEATED = "The row is the header again, as where tables were put one behind the other."
_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_RECBOLE_COLUMN = re.compile(r"\w+:(?:token|float)(?:_seq)?")


class _TableReader(FileReader):
    delimiter: ClassVar[str]
    other_delimiters: ClassVar[str] = ""

    def count(self) -> int | None:
        """Return an estimate of the number of rows; cells with line breaks count more than once."""
        lines = estimated_lines(self.path, self.options.encoding)
        return None if lines is None else max(lines - 1, 0)

    def records(self) -> Iterator[Record]:
        """Yield the record of every row."""
        # The csv module has one limit for the whole process; a caption can be longer than its 131,072.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
        # Which escapes a table has is known only once one was seen.
        escaped = False
        with self._open_rows(escaped) as rows:
            self._header(rows)
            escaped = any(rows.escaped for _ in islice(rows, _ROWS_LOOKED_INTO))
        with self._open_rows(escaped) as rows:
            yield from self._rows(rows)

    @contextmanager
    def _open_rows(self, escaped: bool) -> Iterator[TableRows]:
        with self._open_bytes() as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
            first = text.readline(LONGEST_LINE)
            separator = _SEPARATOR.fullmatch(first)
            yield TableRows(
                text,
                ["\n" if separator else first] if first else [],
                separator[1] if separator else self._delimiter(first),
                LONGEST_LINE,
                escaped,
            )

    def _header(self, rows: TableRows) -> tuple[list[str], dict[str, int]]:
        header = next(iter(rows), Row(1, []))
        if header.problem:
            raise DataError(f"{self.path} has a header that cannot be read. {header.problem}")
        names = [mended(name or "")[0].strip() for name in header.cells]
        columns = self._columns(names)
        rows.expect(len(names), columns.get("post_id"), columns.get("timestamp"))
        return names, columns

    def _rows(self, rows: TableRows) -> Iterator[Record]:
        header, columns = self._header(rows)
        times = [header.index(name) for name in self._times]
        for number, row in enumerate(rows, start=1):
            where = f"{self.path.name}:{row.line}"
            detail = row.problem
            if not detail and len(row.cells) != len(header):
                begin = mended(row.cells[0] or "")[0]
                detail = f"The row has {len(row.cells)} cells, the header {len(header)}. It begins with {begin[:60]!r}."
            if detail:
                yield Rejected(where=where, reason="malformed_row", detail=detail)
                continue
            if self._repeats(header, row):
                yield Rejected(where=where, reason="repeated_header", detail=_REPEATED)
                continue
            values: dict[str, str | None] = {}
            warnings: tuple[str, ...] = ()
            for field, index in columns.items():
                values[field], damaged = mended(row.cells[index] or "")
                if damaged and not warnings:
                    warnings = (not_utf8(damaged),)
            if times:
                parts = [mended(row.cells[index] or "")[0] for index in times]
                values["timestamp"], warned = complete_time(values["timestamp"], parts)
                warnings += warned
            yield self._build(values, number, where, warnings)

    def _repeats(self, header: list[str], row: Row) -> bool:
        """Return whether a row is the header again, as where tables were put one behind the other.

        Raises:
            DataError: its columns are in another order, so that the rows behind it would be misread.
        """
        if len(header) == 1 or (row.cells[0] or "").strip(_AROUND) not in header:
            return False
        names = [(cell or "").strip(_AROUND) for cell in row.cells]
        if names != header and sorted(names) == sorted(header):
            raise DataError(
                f"{self.path} has another header in line {row.line:,}, {listing(names)}: the columns change their "
                "places there. Save the tables as files of their own."
            )
        return names == header

    def _columns(self, header: list[str]) -> dict[str, int]:
        if any(_RECBOLE_COLUMN.fullmatch(name) for name in header):
            raise DataError(
                f"{self.path} is a RecBole atomic file, with the columns {listing(header)}. "
                "Read it with --format recbole, or name it posts.inter."
            )
        # pandas writes a frame's index as a column without a name, another one each time.
        repeated = sorted(name for name, count in Counter(header).items() if name and count > 1)
        if repeated:
            raise DataError(f"{self.path} has several columns named {listing(repeated)}. Rename all but one.")
        return {field: header.index(name) for field, name in self._columns_of_fields(header).items()}

    def _delimiter(self, first_line: str) -> str:
        if self.delimiter in first_line:
            return self.delimiter
        return next((other for other in self.other_delimiters if other in first_line), self.delimiter)


@register_reader("csv")
class CsvReader(_TableReader):
    """Reads `.csv` with a header; the delimiter is a semicolon, tab or | if the header has no comma."""

    accepts = f".csv with a header ({','.join(FIELDS)}), also with .gz"
    suffixes = (".csv",)
    delimiter = ","
    other_delimiters = ";\t|"


@register_reader("tsv")
class TsvReader(_TableReader):
    """Reads `.tsv` with a header."""

    accepts = ".tsv with a header, the columns as for csv, also with .gz"
    suffixes = (".tsv", ".tab")
    delimiter = "\t"
