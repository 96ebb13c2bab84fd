import csv
import gzip
import os
from datetime import date, datetime, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.readers import ReaderOptions, open_dump, tabular
from data_loaders.readers.base import Rejected

HEADER = ["post_id", "user_id", "timestamp", "caption", "image", "hashtags"]
ROW = ["1", "ann", "2022-10-28", "x, y", "1.jpg", "nyc food"]


def write(folder, *rows, name="posts.csv", delimiter=",", encoding="utf-8"):
    path = folder / name
    opener = gzip.open if name.endswith(".gz") else open
    with opener(path, "wt", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def read(path, **options):
    return list(open_dump(path, options=ReaderOptions(**options)).read())


@pytest.mark.parametrize(
    "name, delimiter, format",
    [
        ("posts.csv", ",", "csv"),
        ("posts.csv.gz", ",", "csv"),
        ("posts.csv", ";", "csv"),
        ("posts.csv", "\t", "csv"),
        ("posts.tsv", "\t", "tsv"),
        ("posts.TSV", "\t", "tsv"),
    ],
)
def test_tables_with_a_header(tmp_path, name, delimiter, format):
    reader = open_dump(write(tmp_path, HEADER, ROW, name=name, delimiter=delimiter))
    (record,) = reader.read()
    assert reader.name == format
    assert record.post.caption == "x, y"
    assert record.post.timestamp == datetime(2022, 10, 28, tzinfo=timezone.utc)
    assert record.post.image == tmp_path / "1.jpg"
    assert record.post.hashtags == ("nyc", "food")
    assert record.where == f"{name}:2"


def test_cells_with_line_ends_quotes_and_any_length(tmp_path):
    caption = 'a "quoted"\nword\r\n' + "z" * 200_000
    rows = [["1", "ann", "", caption, "", ""], ["2", "ann", "", "next", "", ""]]
    first, second = read(write(tmp_path, HEADER, *rows))
    assert first.post.caption == caption
    assert (first.post.image, first.post.timestamp, first.post.hashtags) == (None, None, ())
    assert second.where == "posts.csv:5"


def test_missing_values_as_pandas_writes_them(tmp_path):
    rows = [["1", "nan", "NaT", "None", "NULL", "nan"]]
    (record,) = read(write(tmp_path, HEADER, *rows))
    assert record.post.caption == "None"
    assert (record.post.user_id, record.post.timestamp, record.post.image) == (None, None, None)
    assert record.warnings == ()
    frame = pd.DataFrame({"post_id": [1, 2], "text": ["a", None], "tags": [["x", "y"], None], "user": ["ann", "ann"]})
    frame.to_csv(tmp_path / "posts.csv", index=False)
    first, second = read(tmp_path / "posts.csv")
    assert first.post.hashtags == ("x", "y")
    assert (second.post.caption, second.hashtags_given) == (None, False)


SEARCHED = ["", "text", "created_time", "hashtags", "entity_name"]


def test_searched_tweets_have_no_ids_and_are_numbered(tmp_path):
    rows = [
        [
            "0",
            "#SundarC #khushsundar @Udhayanidhi \n#Aran",
            "2022-10-28 19:56:50+00:00",
            "[SundarC, khushsundar]",
            "(RED)",
        ],
        ["1", "bump! 😊 #sale", "2022-10-28 06:11:09+00:00", "['pasar', 'Sale']", "letgo"],
        ["1", "no list #sale", "2022-10-28 06:11:09+00:00", "", "letgo"],
        ["too", "short"],
        ["2", "an empty list #sale", "2022-10-28 06:11:09+00:00", "[]", "letgo"],
    ]
    reader = open_dump(write(tmp_path, SEARCHED, *rows, name="tweets.csv"))
    first, second, third, short, last = reader.read()
    assert first.post.hashtags == ("sundarc", "khushsundar")
    assert first.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)
    assert (first.post.post_id, first.post.user_id, first.where) == ("tweets.csv:1", None, "tweets.csv:2")
    assert (second.post.hashtags, second.hashtags_surface) == (("pasar", "sale"), ("pasar", "Sale"))
    assert (third.post.hashtags, third.hashtags_given) == (("sale",), False)
    assert short.reason == "malformed_row"
    assert (last.post.post_id, last.post.hashtags, last.hashtags_given) == ("tweets.csv:5", (), True)
    assert reader.mapping_used == {"timestamp": "created_time", "caption": "text"}
    (note,) = reader.notes()
    assert note.startswith("4 records have no id and got one from the file name and the row number, such as")
    assert "'tweets.csv:1'" in note


def test_searched_tweets_with_ids_keep_them(tmp_path):
    reader = open_dump(write(tmp_path, [*SEARCHED, "tweet_id"], ["0", "x #a", "", "", "letgo", "77"]))
    (record,) = reader.read()
    assert record.post.post_id == "77"
    assert reader.notes() == []


def test_rows_are_numbered_on_request(tmp_path):
    path = write(tmp_path, ["text", "id"], ["x", "7"], ["y", " "], ["z", ""], name="a.csv.gz")
    missing = [record.reason for record in read(path)[1:]]
    assert missing == ["missing_post_id", "missing_post_id"]
    assert [record.post.post_id for record in read(path, number_rows=True)] == ["7", "a.csv:2", "a.csv:3"]
    with pytest.raises(DataError, match="if there is none, --number-rows makes ids"):
        read(write(tmp_path, ["text"], ["x"]))
    assert read(write(tmp_path, ["text"], ["x"]), number_rows=True)[0].post.post_id == "posts.csv:1"
    assert read(write_parquet(tmp_path, text=["x", "y"]), number_rows=True)[1].post.post_id == "posts.parquet:2"
    searched = dict(zip(SEARCHED[1:], (["x"], ["2022-10-28"], [["a"]], ["letgo"]), strict=True))
    assert read(write_parquet(tmp_path, **searched))[0].post.post_id == "posts.parquet:1"


def test_unnamed_columns_may_be_many(tmp_path):
    (record,) = read(write(tmp_path, ["", "", "id", "text"], ["0", "0", "7", "x"]))
    assert record.post.post_id == "7"


def test_rows_of_another_length_are_refused(tmp_path):
    short, good, long = read(write(tmp_path, HEADER, ["1", "ann"], ["2", *ROW[1:]], [*ROW, "more"], []))
    assert (short.reason, short.where) == ("malformed_row", "posts.csv:2")
    assert short.detail == "The row has 2 cells, the header 6. It begins with '1'."
    assert good.post.post_id == "2"
    assert long.reason == "malformed_row"


def test_a_header_that_is_repeated_is_no_post(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_text(
        "post_id,user_id,caption\n1,ann,a\npost_id,user_id,caption\n\ufeffpost_id,user_id, caption\n2,ann,b\n"
    )
    first, *repeated, last = open_dump(path).read()
    assert [first.post.post_id, last.post.post_id] == ["1", "2"]
    assert [(one.where, one.reason) for one in repeated] == [
        ("posts.csv:3", "repeated_header"),
        ("posts.csv:4", "repeated_header"),
    ]
    assert repeated[0].detail == "The row is the header again, as where tables were put one behind the other."


def test_columns_that_change_their_places(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_text("post_id,user_id,caption\n1,ann,a\npost_id,caption,user_id\n2,b,ann\n")
    message = r"another header in line 3, 'post_id', 'caption', 'user_id': the columns change their places there\. Save"
    with pytest.raises(DataError, match=message):
        list(open_dump(path).read())


def test_a_caption_may_be_the_name_of_a_column(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_text("caption,post_id\ncaption,1\npost_id,2\n")
    assert [record.post.caption for record in open_dump(path).read()] == ["caption", "post_id"]


def test_columns_by_hand_and_by_other_names(tmp_path):
    path = write(tmp_path, ["Tweet ID", "screen-name", "body text", "Tags"], ["1", "ann", "x", "a|b"])
    reader = open_dump(path, options=ReaderOptions(columns={"caption": "body text"}))
    (record,) = reader.read()
    assert record.post.caption == "x"
    assert record.post.hashtags == ("a", "b")
    assert reader.mapping_used == {
        "post_id": "Tweet ID",
        "user_id": "screen-name",
        "caption": "body text",
        "hashtags": "Tags",
    }


def test_headers_that_cannot_work(tmp_path):
    with pytest.raises(DataError, match=r"no column post_id. Columns seen: 'a', 'b'.*--columns post_id=NAME"):
        read(write(tmp_path, ["a", "b"], ["1", "2"]))
    with pytest.raises(
        DataError, match=r"no column 'txt', .* for caption. Did you mean 'text'\? Columns seen: 'id', 't"
    ):
        read(write(tmp_path, ["id", "text"], ["1", "2"]), columns={"caption": "txt"})
    with pytest.raises(DataError, match=r"several columns named 'id'. Rename all but one."):
        read(write(tmp_path, ["id", "id"], ["1", "2"]))
    with pytest.raises(DataError, match="is a RecBole atomic file, with the columns 'user_id:token'"):
        read(write(tmp_path, ["user_id:token", "tags:token_seq"], ["1", "2"], name="x.tsv", delimiter="\t"))


def test_a_quote_that_is_never_closed(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_text('post_id,caption\n1,a\n2,"' + "b" * 20_000_000)
    kept, refused = read(path)
    assert kept.post.post_id == "1"
    assert refused.where == "posts.csv:3"
    assert refused.detail == "The line has more than 16 MiB."


def test_encodings_and_nul(tmp_path):
    path = write(tmp_path, HEADER, ROW, encoding="utf-8-sig")
    assert read(path)[0].post.post_id == "1"
    path.write_bytes(b"post_id,caption\n1,caf\xe9 a\0b\n")
    (record,) = read(path)
    assert record.post.caption == "caf\ufffd ab"
    assert record.warnings[0].startswith("invalid_utf8")


def test_a_repeated_id_in_a_table(tmp_path):
    _, second = read(write(tmp_path, HEADER, ROW, ROW))
    assert (second.reason, second.where) == ("duplicate_post_id", "posts.csv:3")


def test_lines_are_counted(tmp_path):
    assert open_dump(write(tmp_path, HEADER, ROW, ROW)).count() == 2
    assert open_dump(write(tmp_path, HEADER, ROW, name="posts.csv.gz")).count() is None


def write_parquet(folder, **columns):
    path = folder / "posts.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_with_lists_and_real_timestamps(tmp_path):
    instants = pa.array([datetime(2022, 10, 28, 19, 56, 50, 7), None], pa.timestamp("us", "UTC"))
    path = write_parquet(
        tmp_path, post_id=["1", "2"], user=["ann", None], timestamp=instants, caption=["x #a", "y"],
        hashtags=pa.array([["B", "b"], None], pa.list_(pa.string())), image=pa.nulls(2),
    )  # fmt: skip
    reader = open_dump(path)
    first, second = reader.read()
    assert reader.count() == 2
    assert reader.mapping_used == {"user_id": "user"}
    assert first.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, 7, tzinfo=timezone.utc)
    assert (first.post.hashtags, first.hashtags_given) == (("b",), True)
    assert (second.post.timestamp, second.post.user_id, second.hashtags_given) == (None, None, False)
    assert second.where == "posts.parquet:row 2"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1666987010 * 10**9 + 1], pa.timestamp("ns")),
        pa.array([1666987010], pa.timestamp("s", "Asia/Tokyo")),
        pa.array([1666987010], pa.int64()),
        pa.array([1666987010000], pa.int64()),
        pa.array(["2022-10-28T19:56:50Z"]).dictionary_encode(),
        pa.array([b"2022-10-28T19:56:50Z"]),
    ],
)
def test_parquet_timestamps_of_many_types(tmp_path, column):
    (record,) = read(write_parquet(tmp_path, post_id=[7], user_id=["ann"], timestamp=column))
    assert record.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)
    assert record.post.post_id == "7"


def test_parquet_dates_and_absurd_years(tmp_path):
    (record,) = read(write_parquet(tmp_path, post_id=[7], user_id=["ann"], timestamp=[date(2022, 10, 28)]))
    assert record.post.timestamp == datetime(2022, 10, 28, tzinfo=timezone.utc)
    year_33658 = pa.array([10**18], pa.timestamp("us"))
    (record,) = read(write_parquet(tmp_path, post_id=[7], user_id=["ann"], timestamp=year_33658))
    assert record.post.timestamp is None
    assert record.warnings[0].startswith("absurd_timestamp: '1000000000000000000 microseconds after 1970'")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**30], pa.int32()).cast(pa.date32()),
        pa.array([2**53], pa.timestamp("ms")).cast(pa.date64(), safe=False),
        pa.array([-(2**50)], pa.timestamp("s")).cast(pa.timestamp("ms")),
        pa.array([2**62], pa.timestamp("us", "UTC")),
    ],
    ids=lambda column: str(column.type),
)
def test_an_absurd_date_costs_the_date_alone(tmp_path, column):
    (record,) = read(write_parquet(tmp_path, post_id=[7], user_id=["ann"], timestamp=column))
    assert record.post.timestamp is None
    assert record.warnings[0].startswith("absurd_timestamp: ")


@pytest.mark.parametrize(
    "kind, exact, rounded",
    [(pa.float64(), 2**53 - 1, 2**53), (pa.float32(), 2**24 - 1, 2**24), (pa.float16(), 2**11 - 1, 2**11)],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_parquet_ids_that_the_type_of_their_column_rounds(tmp_path, kind, exact, rounded, encoded):
    given = np.array([exact, rounded + 1, np.nan], kind.to_pandas_dtype())
    ids = pa.array(given, kind)
    ids = ids.dictionary_encode() if encoded and kind != pa.float16() else ids
    path = write_parquet(tmp_path, post_id=ids, caption=["a", "b", "c"])
    known, refused, missing = read(path)
    assert (known.post.post_id, missing.reason) == (str(exact), "missing_post_id")
    assert (refused.reason, refused.where) == ("rounded_id", "posts.parquet:row 2")
    assert "a number whose last digits are lost" in refused.detail
    posts = read(write_parquet(tmp_path, post_id=["1", "2", "3"], user_id=ids, caption=["a", "b", "c"]))
    assert [record.post.user_id for record in posts] == [str(exact), None, None]
    assert [len(record.warnings) for record in posts] == [0, 1, 0]
    assert posts[1].warnings[0].startswith("rounded_id: user_id is ")


def test_parquet_text_that_is_not_utf8(tmp_path):
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer(b"a\xffb "))
    (record,) = read(write_parquet(tmp_path, post_id=["1"], caption=broken))
    assert record.post.caption == "a\ufffdb "
    assert record.warnings[0].startswith("invalid_utf8: bytes that are not UTF-8 such as b'\\xffb '")
    with pytest.raises(DataError, match="is damaged after row 0: 'utf-8' codec can't decode byte 0xff"):
        read(write_parquet(tmp_path, post_id=["1"], hashtags=pa.ListArray.from_arrays([0, 1], broken)))


def test_a_row_of_a_parquet_file_that_unpacks_to_too_much_is_refused(tmp_path):
    path = write_parquet(
        tmp_path, post_id=["1", "2", "3"], user_id=["ann"] * 3, caption=["a #b", "x" * (17 << 20), "c #d"]
    )
    first, long, last = read(path)
    assert (first.post.caption, last.post.caption, last.where) == ("a #b", "c #d", "posts.parquet:row 3")
    assert (long.where, long.reason) == ("posts.parquet:row 2", "line_too_long")
    assert long.detail == "The row has 17 MiB; accepted: rows of at most 16 MiB."


def test_a_value_that_many_rows_of_parquet_repeat_is_counted_every_time(tmp_path):
    caption = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array([os.urandom(50_000).hex()]))
    pq.write_table(pa.table({"post_id": range(2_000), "caption": caption}), tmp_path / "posts.parquet")
    with pytest.raises(DataError, match=r"posts.parquet unpacks to more than 64 MiB, over 200 times its size"):
        read(tmp_path / "posts.parquet")


def test_a_parquet_column_that_unpacks_out_of_all_proportion_is_refused(tmp_path):
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.table({"post_id": ["1"], "caption": ["x" * (65 << 20)]}), path, compression="zstd")
    with pytest.raises(DataError, match=r"posts.parquet: column 'caption' unpacks to more than 64 MiB, over 200 times"):
        read(path)


def test_a_quote_over_a_hundred_thousand_lines_costs_its_row(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_text('post_id,caption\n1,a #b\n2,"x' + "\n" * 100_001 + "3,c #d\n", encoding="utf-8")
    kept, refused, last = read(path)
    assert (kept.post.post_id, last.post.post_id) == ("1", "3")
    assert (refused.where, refused.reason) == ("posts.csv:3", "malformed_row")


def test_parquet_values_of_wrong_types(tmp_path):
    (record,) = read(write_parquet(tmp_path, post_id=["1"], caption=[["a"]]))
    assert record.reason == "wrong_type"
    assert record.detail == "caption is a list, ['a']. Accepted: text or null."


def test_parquet_columns_of_one_name(tmp_path):
    columns = [pa.array([value]) for value in ("1", "a", "b")]
    pq.write_table(pa.Table.from_arrays(columns, ["post_id", "caption", "caption"]), tmp_path / "posts.parquet")
    with pytest.raises(DataError, match=r"posts\.parquet has several columns named 'caption'\. Rename all but one\."):
        list(open_dump(tmp_path / "posts.parquet").read())


def test_parquet_columns_of_one_name_that_hold_no_field(tmp_path):
    columns = [pa.array([value]) for value in ("1", "a", "x", "y")]
    pq.write_table(pa.Table.from_arrays(columns, ["post_id", "caption", "note", "note"]), tmp_path / "posts.parquet")
    (record,) = open_dump(tmp_path / "posts.parquet").read()
    assert record.post.caption == "a"
    options = ReaderOptions(columns={"user_id": "note"})
    with pytest.raises(DataError, match=r"posts\.parquet has several columns named 'note'\. Rename all but one\."):
        list(open_dump(tmp_path / "posts.parquet", options=options).read())


def test_a_file_that_is_no_parquet(tmp_path):
    path = tmp_path / "posts.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        read(path)
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        open_dump(path).count()


def test_parquet_that_is_read_in_many_batches(tmp_path):
    path = write_parquet(tmp_path, post_id=list(range(3_000)), caption=[f"#tag{n}" for n in range(3_000)])
    records = read(path)
    assert [record.post.post_id for record in records] == [str(n) for n in range(3_000)]
    assert records[2_999].post.hashtags == ("tag2999",)


def test_many_columns(tmp_path):
    names = [f"column {number}" for number in range(50_000)]
    (record,) = read(write(tmp_path, [*names, "post_id", "user_id"], [*names, "1", "ann"]))
    assert record.post.user_id == "ann"
    with pytest.raises(DataError, match=r"has several columns named 'column 7'\. Rename all but one"):
        read(write(tmp_path, [*names, "column 7"]))


@pytest.mark.parametrize(
    "row, reason",
    [
        ("x" * 5_000, "The line has more than 0 MiB"),
        ('2,"' + "x\n" * 2_500, "A quote opens a cell that is not closed as it should be"),
        ('2,"' + '\n","' * 2_500, "A quote opens a cell that is not closed as it should be"),
        ('2,"x ' + "x" * 5_000, "The line has more than 0 MiB"),
    ],
)
def test_a_row_without_end_costs_itself(tmp_path, monkeypatch, row, reason):
    monkeypatch.setattr(tabular, "LONGEST_LINE", 4_000)
    path = tmp_path / "posts.csv"
    path.write_text(f"post_id,caption\n1,x\n{row}\n" + "".join(f"{n},#sun of day {n}\n" for n in range(3, 900)))
    records = read(path)
    refused = [record for record in records if isinstance(record, Rejected)]
    kept = [record.post.post_id for record in records if record not in refused]
    assert kept == ["1", *map(str, range(3, 900))]
    assert {record.reason for record in refused} == {"malformed_row"}
    assert refused[0].where == "posts.csv:3"
    assert reason in refused[0].detail


def test_long_rows_that_are_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "LONGEST_LINE", 4_000)
    path = tmp_path / "posts.csv"
    path.write_text("post_id,caption\n" + '1,"x\n"\n' * 2_500)
    assert len(read(path)) == 2_500
