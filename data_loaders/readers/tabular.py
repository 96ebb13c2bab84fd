"""Read comma- and tab-separated tables with a header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, ClassVar

from data_loaders.dump_files import LONGEST_LINE
from data_loaders.errors import DataError
from data_loaders.readers.base import FIELDS, Record, Rejected
from data_loaders.readers.fields import listing
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.files import estimated_lines, invalid_utf8, open_bytes
from data_loaders.readers.registry import register_reader

if TYPE_CHECKING:
    from _csv import Reader as _Rows

_RECBOLE_COLUMN = re.compile(r"\w+:(?:token|float)(?:_seq)?")


class _TableReader(FileReader):
    delimiter: ClassVar[str]
    other_delimiters: ClassVar[str] = ""

    def count(self) -> int | None:
        """Return an estimate of the number of rows; cells with line breaks count more than once."""
        lines = estimated_lines(self.path)
        return None if lines is None else max(lines - 1, 0)

    def records(self) -> Iterator[Record]:
        """Yield the record of every row."""
        # The csv module has one limit for the whole process; a caption can be longer than its 131,072.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
        with open_bytes(self.path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
            lines = _Lines(text)
            rows = csv.reader(lines, delimiter=self._delimiter(lines.first))
            try:
                yield from self._rows(rows, next(rows, []), lines)
            except csv.Error as problem:
                raise DataError(
                    f"{self.path} cannot be read after line {rows.line_num}: {problem}. "
                    "A quote is opened there and never closed, or the file is not a table."
                ) from problem

    def _rows(self, rows: _Rows, header: list[str], lines: _Lines) -> Iterator[Record]:
        columns = self._columns([name.strip() for name in header])
        next_line = rows.line_num + 1
        number = 0
        for row in rows:
            # A row can span several lines; messages name its first.
            where, next_line = f"{self.path.name}:{next_line}", rows.line_num + 1
            lines.in_row = 0
            if not row:
                continue
            number += 1
            if len(row) != len(header):
                detail = f"The row has {len(row)} cells, the header {len(header)}. It begins with {row[0][:60]!r}."
                yield Rejected(where=where, reason="malformed_row", detail=detail)
                continue
            values = {field: row[index] for field, index in columns.items()}
            warnings = (invalid_utf8(),) if any("\ufffd" in cell for cell in values.values()) else ()
            yield self._build(values, number, where, warnings)

    def _columns(self, header: list[str]) -> dict[str, int]:
        if any(_RECBOLE_COLUMN.fullmatch(name) for name in header):
            raise DataError(
                f"{self.path} is a RecBole atomic file, with the columns {listing(header)}. "
                "Remove the types from its header (user_id:token becomes user_id) and read it as tsv."
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
    """Reads `.csv` with a header; the delimiter is a semicolon or tab if the header has no comma."""

    accepts = f".csv with a header ({','.join(FIELDS)}), also with .gz"
    suffixes = (".csv",)
    delimiter = ","
    other_delimiters = ";\t"


@register_reader("tsv")
class TsvReader(_TableReader):
    """Reads `.tsv` with a header."""

    accepts = ".tsv with a header, the columns as for csv, also with .gz"
    suffixes = (".tsv", ".tab")
    delimiter = "\t"


class _Lines(Iterator[str]):
    """The lines of a table without NUL, which csv refuses before Python 3.11.

    Attributes:
        first: the first line.
        in_row: characters of the lines since it was last set to 0, with each row.

    Raises:
        csv.Error: a row, of any number of lines, is longer than `LONGEST_LINE`.
    """

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.in_row = 0
        self.first = self._read()
        self._ahead = self.first

    def __next__(self) -> str:
        line, self._ahead = self._ahead or self._read(), ""
        if self.in_row >= LONGEST_LINE:
            raise csv.Error(f"a row has more than {LONGEST_LINE >> 20} MiB")
        if not line:
            raise StopIteration
        return line

    def _read(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        self.in_row += len(line)
        return line.replace("\0", "")
