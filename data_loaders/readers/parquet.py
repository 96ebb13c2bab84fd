"""Read Parquet tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_loaders.dump_files.archives import size_of
from data_loaders.dump_files.unpacking import LONGEST_LINE, check_proportion
from data_loaders.errors import DataError
from data_loaders.readers.base import ReaderOptions, Record, Rejected
from data_loaders.readers.fields import listing, names_inside, value_at
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.files import decode, seekable
from data_loaders.readers.parquet_sizes import is_text, rows_at_once, text_columns, unpacked_size
from data_loaders.readers.registry import register_reader
from data_loaders.readers.reposts import repeated_ids, repost_refused
from data_loaders.readers.split_times import complete_time

_MICROSECONDS = {"days": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
_IDS = {"post_id", "user_id"}
# Beyond, a column of such numbers cannot tell neighbouring whole numbers apart; of float64 `is_rounded` knows it.
_EXACT = {pa.float16(): 2**11, pa.float32(): 2**24}
_PART_ROWS = 500_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@register_reader("parquet")
class ParquetReader(FileReader):
    """Reads the columns of the exchange format from a Parquet file, batch by batch; other columns are not read."""

    accepts = ".parquet with the columns of csv; hashtags as list<string> or text"
    suffixes = (".parquet", ".pq")

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        self._span: tuple[int, int] | None = None  # of row groups
        self._repeated: list[str] = []

    def parts(self) -> list[ParquetReader]:
        """Return readers of neighbouring row groups, of half a million rows or more each."""
        with self._open() as table:
            spans = _spans([table.metadata.row_group(number).num_rows for number in range(table.num_row_groups)])
        return [self._part(span) for span in spans] if len(spans) > 1 else [self]

    def _part(self, span: tuple[int, int]) -> ParquetReader:
        part = ParquetReader(self.path, self.options)
        part.shown, part._span = self.shown, span
        return part

    def identity(self) -> list[Any]:
        """Return what tells whether the records are still the same: of the file, its size, time and row groups."""
        return [*super().identity(), self._span]

    def count(self) -> int | None:
        """Return the number of rows."""
        with self._open() as table:
            return int(table.metadata.num_rows)

    def records(self) -> Iterator[Record]:
        """Yield the record of every row."""
        with self._open() as table:
            first, last = self._span or (0, table.num_row_groups)
            number = sum(table.metadata.row_group(before).num_rows for before in range(first))
            unpacked = 0
            try:
                names = self._columns_of_fields(self._names(table.schema_arrow))
                self._repeated = repeated_ids({field.name: _tree(field.type) for field in table.schema_arrow})
                names = {**names, **{name: name for name in (*self._times, *self._repeated)}}
                outermost = {name.partition(".")[0] for name in names.values()}
                self._refuse_repeated(table.schema_arrow, {*names.values(), *outermost})
                self._check_proportions(table.metadata, outermost)
                for batch in _batches(table, range(first, last), sorted(set(names.values()))):
                    columns = {field: _column(batch, name) for field, name in names.items()}
                    size = sum(map(unpacked_size, columns.values()))
                    unpacked += _size_of_texts(columns)
                    check_proportion(str(self.path), size_of(self.path), unpacked)
                    step = batch.num_rows if size <= LONGEST_LINE else 1
                    for start in range(0, batch.num_rows, step):
                        part = {field: column.slice(start, step) for field, column in columns.items()}
                        yield from self._rows(part, range(number + 1, number + step + 1))
                        number += step
            except _DAMAGE as problem:
                raise DataError(f"{self.path} is damaged after row {number}: {problem}") from problem

    def _refuse_repeated(self, schema: pa.Schema, read: set[str]) -> None:
        repeated = sorted(name for name, count in Counter(schema.names).items() if count > 1 and name in read)
        if repeated:
            raise DataError(f"{self.path} has several columns named {listing(repeated)}. Rename all but one.")

    def _check_proportions(self, metadata: pq.FileMetaData, columns: set[str]) -> None:
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                if chunk.path_in_schema.partition(".")[0] in columns:
                    name = f"{self.path}: column {chunk.path_in_schema!r}"
                    check_proportion(name, chunk.total_compressed_size, chunk.total_uncompressed_size)

    def _rows(self, columns: dict[str, pa.Array], numbers: range) -> Iterator[Record]:
        """Yield the records of some rows; of one row, whatever its size, of several if together they are small."""
        size = _size_of_texts(columns)
        if size > LONGEST_LINE:
            where = f"{self.path.name}:row {numbers[0]}"
            detail = f"The row has {size >> 20} MiB; accepted: rows of at most {LONGEST_LINE >> 20} MiB."
            yield Rejected(where=where, reason="line_too_long", detail=detail)
            return
        values = {field: _values(column) for field, column in columns.items()}
        for field in _IDS & columns.keys():
            values[field] = _with_rounded_marked(values[field], columns[field].type)
        for index, number in enumerate(numbers):
            yield self._record({field: found[index] for field, found in values.items()}, number)

    def _names(self, schema: pa.Schema) -> list[str]:
        """Return the columns, with those inside of structures that hold fields or that the user names."""
        tree = {field.name: _tree(field.type) for field in schema}
        mapped = (name for name in self.options.columns.values() if value_at(tree, name, tree) is not tree)
        return list(dict.fromkeys((*names_inside(tree), *mapped)))

    def _record(self, fields: dict[str, Any], number: int) -> Record:
        where = f"{self.path.name}:row {number}"
        repeated = [name for name in self._repeated if fields.pop(name) is not None]
        if repeated:
            return repost_refused(where, repeated[0], fields.get("post_id"))
        warnings: tuple[str, ...] = ()
        for field, value in fields.items():
            if isinstance(value, bytes) and field != "image":
                fields[field], warned = decode(value)
                warnings += warned
        if self._times:
            fields["timestamp"], warned = complete_time(fields["timestamp"], [fields.pop(name) for name in self._times])
            warnings += warned
        return self._build(fields, number, where, warnings)

    def _open(self) -> pq.ParquetFile:
        try:
            file = seekable(self.path, self.root)
            metadata = pq.read_metadata(file)
            return pq.ParquetFile(file, metadata=metadata, read_dictionary=text_columns(metadata))
        except _DAMAGE as problem:
            raise DataError(f"{self.path} is not a readable Parquet file: {problem}") from problem


def _spans(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return (first, behind the last) of neighbouring row groups; all but the last have `_PART_ROWS` or more."""
    ends = [0]
    count = 0
    for group, rows_of_group in enumerate(rows, start=1):
        count += rows_of_group
        if count >= _PART_ROWS or group == len(rows):
            ends.append(group)
            count = 0
    return list(pairwise(ends))


def _batches(table: pq.ParquetFile, groups: range, columns: list[str]) -> Iterator[pa.RecordBatch]:
    outermost = {name.partition(".")[0] for name in columns}
    # One row group at a time: each has dictionaries of its own.
    for group in groups:
        rows = rows_at_once(table.metadata.row_group(group), outermost)
        yield from table.iter_batches(rows, row_groups=[group], columns=columns)


def _size_of_texts(columns: dict[str, pa.Array]) -> int:
    return sum(unpacked_size(column) for field, column in columns.items() if field != "image" or is_text(column.type))


def _tree(type: pa.DataType) -> dict[str, Any] | None:
    return {field.name: _tree(field.type) for field in type} if pa.types.is_struct(type) else None


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column, or the one inside of a structure that a dotted name leads to."""
    if name in batch.schema.names:
        return batch.column(name)
    outermost, *inner = name.split(".")
    return pc.struct_field(batch.column(outermost), inner)


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_date(column.type) and not pa.types.is_timestamp(column.type):
        return _plain_values(column)
    unit = {pa.date32(): "days", pa.date64(): "ms"}.get(column.type) or column.type.unit
    if unit == "ns":
        column, unit = column.cast(pa.timestamp("us", column.type.tz), safe=False), "us"
    # Python's numbers do not overflow, as those of Arrow do where a date is absurd.
    whole = column.cast(pa.int32() if unit == "days" else pa.int64()).to_pylist()
    return [None if value is None else _instant(value * _MICROSECONDS[unit]) for value in whole]


def _with_rounded_marked(ids: list[Any], type: pa.DataType) -> list[Any]:
    """Return ids with those that their type has rounded as programs print rounded numbers, so that they are refused."""
    exact = _EXACT.get(type.value_type if pa.types.is_dictionary(type) else type)
    if exact is None:
        return ids
    # Older pyarrow gives numpy's numbers for float16.
    numbers = [None if value is None else float(value) for value in ids]
    return [f"{value:e}" if value is not None and exact <= abs(value) < math.inf else value for value in numbers]


def _plain_values(column: pa.Array) -> list[Any]:
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
            raise
        return list(column.cast(pa.large_binary()).to_pylist())  # decoded with a warning


def _instant(microseconds: int) -> datetime | str:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} microseconds after 1970"
