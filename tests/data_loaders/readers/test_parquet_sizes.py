"""Parquet: a value that many rows repeat is in the file once, and in memory once."""

import os
from contextlib import nullcontext
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.readers import open_dump
from data_loaders.readers.parquet_sizes import rows_at_once, text_columns, unpacked_size

ROWS = 200


def repeated(value, rows=ROWS):
    """Return a column in which all rows but the last share a value."""
    kind = pa.large_string() if isinstance(value, str) else pa.large_binary()
    rest = "a #b" if isinstance(value, str) else b"a"
    return pa.DictionaryArray.from_arrays(pa.array([*[0] * (rows - 1), 1], pa.int32()), pa.array([value, rest], kind))


def column_that_repeats(field, value):
    if field == "hashtags":
        return pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), repeated(value))
    if field == "image":
        paths = pa.array([f"{row}.jpg" for row in range(ROWS)])
        return pa.StructArray.from_arrays([repeated(value.encode()), paths], ["bytes", "path"])
    return repeated(value)


@pytest.fixture
def pool():
    """Return a pool of Arrow's memory that counts from zero."""
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    yield pool
    pa.set_memory_pool(before)


@pytest.mark.parametrize("with_schema", [True, False])
@pytest.mark.parametrize("field", ["caption", "user_id", "hashtags", "image"])
def test_a_value_that_rows_repeat_takes_memory_once(tmp_path, pool, field, with_schema):
    columns = {"post_id": list(map(str, range(ROWS))), "caption": ["a #b"] * ROWS}
    columns[field] = column_that_repeats(field, "x" * (8 << 20))
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=with_schema)
    assert path.stat().st_size < 30_000
    before = peak = pool.bytes_allocated()
    with nullcontext() if field == "image" else pytest.raises(DataError, match="over 200 times its size"):
        for _ in open_dump(path).read():
            peak = max(peak, pool.bytes_allocated())
    assert pool.max_memory() - before < 200 << 20
    assert peak - before < 100 << 20


def test_lists_of_repeated_texts_in_several_row_groups(tmp_path):
    tags = pa.array([f"tag{row % 7}" for row in range(500)]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array(range(501), pa.int32()), tags)
    path = tmp_path / "posts.parquet"
    pq.write_table(
        pa.table({"post_id": range(500), "caption": ["a walk"] * 500, "hashtags": lists}), path, row_group_size=70
    )
    posts = [record.post for record in open_dump(path).read()]
    assert [post.hashtags for post in posts] == [(f"tag{row % 7}",) for row in range(500)]


def test_one_long_value_among_repeated_ones_costs_its_row(tmp_path):
    texts = pa.array(["#a", "y" * (17 << 20), "#b"]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array(range(4), pa.int32()), texts)
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.table({"post_id": [1, 2, 3], "hashtags": lists, "user_id": ["ann"] * 3}), path)
    first, long, last = open_dump(path).read()
    assert (first.post.hashtags, last.post.hashtags) == (("a",), ("b",))
    assert (long.where, long.reason) == ("posts.parquet:row 2", "line_too_long")


def test_the_path_of_a_picture_is_as_long_as_a_line_at_most(tmp_path):
    path = tmp_path / "posts.parquet"
    images = ["x" * (17 << 20), "a.jpg"]
    pq.write_table(pa.table({"post_id": [1, 2], "caption": ["a #b", "c #d"], "image": images}), path)
    long, last = open_dump(path).read()
    assert (long.where, long.reason) == ("posts.parquet:row 1", "line_too_long")
    assert last.post.hashtags == ("d",)


def test_texts_are_columns_of_text_and_bytes_alone(tmp_path):
    decimal = pa.array([1], pa.decimal128(30, 2))
    table = pa.table({"a": ["x"], "b": [b"x"], "c": [["x"]], "d": [{"e": "x"}], "f": [1], "g": decimal})
    pq.write_table(table, tmp_path / "x.parquet", store_decimal_as_integer=False)
    assert text_columns(pq.read_metadata(tmp_path / "x.parquet")) == ["a", "b", "c.list.element", "d.e"]


def test_rows_are_read_by_their_size(tmp_path):
    pq.write_table(pa.table({"a": range(2_000), "b": ["x"] * 2_000}), tmp_path / "x.parquet")
    group = pq.read_metadata(tmp_path / "x.parquet").row_group(0)
    assert rows_at_once(group, {"a"}) == 1_024
    pictures = [os.urandom(1 << 20) for _ in range(40)]
    pq.write_table(pa.table({"a": range(40), "b": pictures}), tmp_path / "x.parquet", use_dictionary=False)
    group = pq.read_metadata(tmp_path / "x.parquet").row_group(0)
    assert 250 <= rows_at_once(group, {"a", "b"}) <= 256


VALUES = ["a", None, "bcd", "a", ""]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_the_size_of_repeated_values_is_that_of_all_rows(kind):
    column = pa.array(VALUES, kind).dictionary_encode()
    assert unpacked_size(column) == 5
    assert [unpacked_size(column.slice(row, 1)) for row in range(5)] == [1, 0, 3, 1, 0]
    nested = pa.ListArray.from_arrays(pa.array([0, 2, 5], pa.int32()), column)
    assert [unpacked_size(nested.slice(row, 1)) for row in range(2)] == [1, 4]
    struct = pa.StructArray.from_arrays([column, nested.flatten()], ["x", "y"])
    assert [unpacked_size(struct.slice(row, 1)) for row in range(5)] == [2, 0, 6, 2, 0]


def test_the_size_of_plain_values_is_theirs():
    column = pa.array(["a" * size for size in range(5)])
    sizes = [unpacked_size(column.slice(row, 1)) for row in range(5)]
    assert [after - before for before, after in pairwise(sizes)] == [1] * 4
    assert unpacked_size(pa.array([1, 2, 3], pa.int64())) == 24
    assert unpacked_size(pa.array([7, 7, 7]).dictionary_encode()) > 0
