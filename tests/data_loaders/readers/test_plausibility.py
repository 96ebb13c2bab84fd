"""Notes about how a table was written: missing values as text, rounded ids, counts in place of hashtags."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.prepare.prepare import prepare
from data_loaders.readers import ReaderOptions, open_dump

USERS = ["ann", "nan", "NaN", "None", "<NA>", "bob"]


def csv(folder, **columns):
    rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (folder / "posts.csv").write_text("\n".join(rows))
    return folder / "posts.csv"


def json_lines(folder, **columns):
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    (folder / "posts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "posts.jsonl"


def parquet(folder, **columns):
    pq.write_table(pa.table(columns), folder / "posts.parquet")
    return folder / "posts.parquet"


def read(path, **columns):
    reader = open_dump(path, options=ReaderOptions(columns=columns))
    return list(reader.read()), reader.notes()


@pytest.mark.parametrize("dump", [csv, json_lines, parquet])
def test_text_for_a_missing_user_is_no_user(tmp_path, dump):
    records, notes = read(dump(tmp_path, post_id=[1, 2, 3, 4, 5, 6], user_id=USERS, caption=["x"] * 6))
    assert [record.post.user_id for record in records] == ["ann", None, None, None, None, "bob"]
    assert notes == ["Text that says that there is no value counts as missing: user_id (4 × 'nan')."]


@pytest.mark.parametrize("dump", [csv, json_lines, parquet])
def test_text_for_a_missing_id_is_no_id(tmp_path, dump):
    records, _ = read(dump(tmp_path, post_id=["a", "nan"], caption=["x", "y"]))
    assert records[1].reason == "missing_post_id"


def test_one_user_in_all_formats(tmp_path):
    table = read(csv(tmp_path, post_id=["1.0", "2"], user_id=["77.0", ""], caption=["x", "y"]))[0]
    floats = read(parquet(tmp_path, post_id=[1, 2], user_id=[77.0, None], caption=["x", "y"]))[0]
    whole = read(json_lines(tmp_path, post_id=[1, 2], user_id=[77, "77.0"], caption=["x", "y"]))[0]
    assert {record.post.user_id for record in (table[0], floats[0], *whole)} == {"77"}
    assert [record.post.post_id for record in table] == ["1", "2"]


def test_captions_that_say_nan_are_kept_and_told(tmp_path):
    records, (note,) = read(csv(tmp_path, post_id=[1, 2], caption=["nan", "Nan came to tea"]))
    assert records[0].post.caption == "nan"
    assert note.startswith("1 captions are the text 'nan'")


def test_ids_that_lost_digits_without_showing_it(tmp_path):
    ids = ["1050118621198920000", "1050118621198930000"]
    (note,) = read(csv(tmp_path, post_id=ids, caption=["x", "y"]))[1]
    assert note.startswith("All 2 long ids end in zeros after 15 digits: a spreadsheet seems to have rounded them")
    assert read(csv(tmp_path, post_id=[*ids, "1050118621198921728"], caption=["x", "y", "z"]))[1] == []


@pytest.mark.parametrize("dump", [csv, json_lines, parquet])
def test_counts_in_place_of_hashtags(tmp_path, dump):
    path = dump(tmp_path, post_id=[1, 2], caption=["x #fog", "y #sea"], hashtags=[1, 3])
    _, (note,) = read(path)
    assert note.startswith("The hashtags are numbers, such as ")
    assert "To read the hashtags of the captions instead, use --columns hashtags= (with nothing behind it)." in note
    records, notes = read(path, hashtags="")
    assert ([record.post.hashtags for record in records], notes) == ([("fog",), ("sea",)], [])
    with pytest.raises(DataError, match="they seem to be counts"):
        prepare(path, tmp_path / "out")


def test_a_list_that_is_a_number_among_others_is_no_count(tmp_path):
    assert read(csv(tmp_path, post_id=[1, 2], caption=["x", "y"], hashtags=["2022", "fog"]))[1] == []


def test_reading_again_counts_again(tmp_path):
    reader = open_dump(csv(tmp_path, post_id=[1, ""], user_id=["nan", "ann"]), options=ReaderOptions(number_rows=True))
    first = (list(reader.read()), reader.notes())
    assert (list(reader.read()), reader.notes()) == first


@pytest.mark.parametrize("word", ["NA", "N/A", "n/a", "#N/A", "undefined"])
def test_words_of_r_spreadsheets_and_javascript_are_nobody(tmp_path, word):
    records, notes = read(
        csv(tmp_path, post_id=[1, 2, 3], user_id=[word, "na", word], caption=["x"] * 3, hashtags=[word, "na", "x"])
    )
    assert [record.post.user_id for record in records] == [None, "na", None]
    assert [record.post.hashtags for record in records] == [(), ("na",), ("x",)]
    assert notes == [
        f"Text that says that there is no value counts as missing: user_id (2 × {word!r}), hashtags (1 × {word!r})."
    ]
