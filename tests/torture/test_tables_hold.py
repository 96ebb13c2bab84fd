"""Tables are read as csv and pandas read them; damage costs the row that it is in."""

import csv
import io
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from table_strategies import bytes_of_tables, escaped_tables, tables_with_a_stray_quote, written_tables

from data_loaders.errors import DataError
from data_loaders.readers import RawPost, open_dump
from data_loaders.readers.table_rows import TableRows

hold = settings(derandomize=True, deadline=None, max_examples=100)


def rows_of(table):
    rows = TableRows(io.StringIO(table.text, newline=""), [], table.delimiter, 1 << 20)
    header = next(iter(rows)).cells
    rows.expect(len(header), 0, 2 if len(header) > 2 else None)
    return [header, *([cell or "" for cell in row.cells] for row in rows)]


def read(content, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return list(open_dump(path).read())


@hold
@given(written_tables())
def test_written_tables_are_read_as_csv_and_pandas_read_them(table):
    assert rows_of(table) == table.rows
    assert table.rows == list(csv.reader(io.StringIO(table.text, newline=""), delimiter=table.delimiter))
    frame = pd.read_csv(io.StringIO(table.text, newline=""), sep=table.delimiter, dtype=str, keep_default_na=False)
    assert frame.to_numpy().tolist() == table.rows[1:]


@hold
@given(tables_with_a_stray_quote())
def test_a_stray_quote_costs_its_own_row(struck):
    table, number = struck
    records = read(table.text.encode(), "posts.csv")
    kept = [record.post.post_id for record in records if isinstance(record, RawPost)]
    assert kept == [row[0] for position, row in enumerate(table.rows) if position not in (0, number)]
    (refused,) = [record for record in records if not isinstance(record, RawPost)]
    assert (refused.reason, refused.where) == ("malformed_row", f"posts.csv:{number + 1}")


@hold
@given(escaped_tables())
def test_backslash_escapes_are_undone(table):
    assert rows_of(table) == table.rows


@hold
@given(bytes_of_tables)
def test_any_bytes_are_kept_or_refused(content):
    try:
        records = read(content, "posts.csv")
    except DataError:
        return
    for record in records:
        if isinstance(record, RawPost):
            "".join([record.post.post_id, record.post.caption or "", *record.post.hashtags]).encode("utf-8")
