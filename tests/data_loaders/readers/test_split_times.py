"""Records that hold the date, the time and the offset in places of their own, as twint wrote them."""

import json
from datetime import date, datetime, time, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.readers import ReaderOptions, json_lines, open_dump
from data_loaders.readers.split_times import complete_time, joined_time, time_names, timezone_warnings
from data_loaders.text.timestamps import read_timestamp

TWINT = (
    "id\tdate\ttime\ttimezone\tuser_id\ttweet\n"
    "1\t2020-01-01\t10:00:00\t+0100\t5\tlow #tide\n"
    "2\t2020-01-01\t10:00\tCET\t5\thigh\n"
    "3\t2020-01-01\t\t\t5\tnoon\n"
    "4\t\t10:00:00\t+0100\t5\tnever\n"
)


def test_they_are_one_time(tmp_path):
    path = tmp_path / "tweets.csv"
    path.write_text(TWINT)
    reader = open_dump(path)
    records = list(reader.read())
    times = [record.post.timestamp and record.post.timestamp.isoformat() for record in records]
    assert [len(record.warnings) for record in records] == [0, 1, 0, 0]
    assert records[1].warnings[0].startswith("unknown_timezone: 'CET'; the time counts as UTC")
    assert times == ["2020-01-01T09:00:00+00:00", "2020-01-01T10:00:00+00:00", "2020-01-01T00:00:00+00:00", None]
    assert reader.mapping_used["timestamp"] == "date + time + timezone"
    assert list(reader.columns_unread) == []


ROWS = [
    {"id": 1, "date": "2020-01-01", "time": "10:00", "tz": "+0100", "text": "a"},
    {"id": 2, "date": "2020-01-01", "time": "9:00 PM", "tz": None, "text": "b"},
    {"id": 3, "date": "2020-01-01", "time": None, "tz": None, "text": "c"},
    {"id": 4, "date": "2020-01-01", "time": "at noon", "tz": None, "text": "d"},
    {"id": 5, "date": "2020-01-01", "time": "10:00", "tz": "CET", "text": "e"},
    {"id": 6, "date": None, "time": "10:00", "tz": None, "text": "f"},
]


def as_csv(path):
    lines = [list(ROWS[0]), *(["" if value is None else str(value) for value in row.values()] for row in ROWS)]
    path.write_text("\n".join(map(",".join, lines)))


def as_json_lines(path):
    path.write_text("\n".join(map(json.dumps, ROWS)))


def as_parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.csv", as_csv), ("a.jsonl", as_json_lines), ("a.parquet", as_parquet)],
    ids=["csv", "json", "pq"],
)
def test_they_are_one_time_in_every_format(tmp_path, name, write):
    write(tmp_path / name)
    reader = open_dump(tmp_path / name)
    records = list(reader.read())
    times = [record.post.timestamp and record.post.timestamp.strftime("%H:%M") for record in records]
    assert times == ["09:00", "21:00", "00:00", None, "10:00", None]
    assert [[warning.partition(":")[0] for warning in record.warnings] for record in records] == [
        [], [], [], ["absurd_timestamp"], ["unknown_timezone"], [],
    ]  # fmt: skip
    assert records[3].warnings[0].startswith("absurd_timestamp: '2020-01-01 at noon': not a date or time; ")
    assert reader.mapping_used["timestamp"] == "date + time + tz"
    assert list(reader.columns_unread) == []


def test_keys_can_differ_from_record_to_record(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"id": 1, "date": "2020-01-01", "text": "a"},
        ROWS[1],
        {"id": 3, "time": "2020-01-02T10:00:00Z", "text": "c"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    reader = open_dump(path)
    assert [record.post.timestamp.strftime("%d %H:%M") for record in reader.read()] == [
        "01 00:00",
        "01 21:00",
        "02 10:00",
    ]
    assert list(reader.columns_unread) == []


def test_parts_of_a_file_know_the_time_as_read(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "_PART_BYTES", 60)
    as_json_lines(tmp_path / "a.jsonl")
    reader = open_dump(tmp_path / "a.jsonl")
    parts = reader.parts()
    assert len(parts) > 1
    for part in parts:
        list(part.read())
    joined = reader.joined([part.findings() for part in parts])
    assert (joined.mapping_used["timestamp"], list(joined.columns_unread)) == ("date + time + tz", [])


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        (date(2020, 1, 1), time(10)),
        (datetime(2020, 1, 1), time(10)),
        (date(2020, 1, 1), timedelta(hours=10)),
        (date(2020, 1, 1), "10:00"),
        ("2020-01-01 00:00:00", "10:00:00"),
    ],
)
def test_types_of_tables(tmp_path, day, clock):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"id": 1, "date": day, "time": clock, "text": "a"}]), path)
    (record,) = open_dump(path).read()
    assert record.post.timestamp == datetime(2020, 1, 1, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize("type", [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.binary()])
def test_types_of_times(tmp_path, type):
    clock = pa.array([time(10), None]).cast(type) if pa.types.is_time(type) else pa.array([b"10:00", None])
    table = pa.table({"id": [1, 2], "date": [date(2020, 1, 1)] * 2, "time": clock, "text": ["a", "b"]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert [record.post.timestamp.hour for record in open_dump(tmp_path / "a.parquet").read()] == [10, 0]


def test_a_column_that_is_named_is_read_alone(tmp_path):
    path = tmp_path / "tweets.csv"
    path.write_text("id,created,date,time,text\n1,2020-01-05T00:00:00Z,2020-01-01,10:00,a\n")
    reader = open_dump(path, options=ReaderOptions(columns={"timestamp": "created"}))
    assert next(iter(reader.read())).post.timestamp.isoformat() == "2020-01-05T00:00:00+00:00"
    assert list(reader.columns_unread) == ["date", "time"]


@pytest.mark.parametrize(
    ("names", "timestamp", "expected"),
    [
        (["id", "Date", "Time"], "Date", ("Time",)),
        (["id", "date", "time", "UTC offset"], "date", ("time", "UTC offset")),
        (["id", "date", "time", "TZ"], "date", ("time", "TZ")),
        (["id", "date_utc", "time_utc", "UTC offset"], "date_utc", ("time_utc",)),
        (["id", "date", "time_utc", "timezone"], "date", ("time_utc",)),
        (["id", "date"], "date", ()),
        (["id", "created_at", "time"], "created_at", ()),
        (["id", "date", "time"], "time", ()),
        (["id", "date", "time"], None, ()),
    ],
)
def test_names_that_complete_a_date(names, timestamp, expected):
    found = {"post_id": "id"} if timestamp is None else {"post_id": "id", "timestamp": timestamp}
    assert time_names(names, found) == expected


def test_a_column_of_another_field_completes_no_date():
    assert time_names(["id", "date", "time"], {"timestamp": "date", "caption": "time"}) == ()
    assert time_names(["id", "date", "time", "tz"], {"timestamp": "date", "caption": "tz"}) == ("time",)


@pytest.mark.parametrize(
    "clock",
    ["25:00", "99:59", "10:75", "24:30", "90:00", "13:00 PM", "0:30 AM", "9:75 PM", "10", "9", "noon", "10:00 CET"],
)
def test_what_is_no_time_of_the_day_is_never_midnight(clock):
    with pytest.raises(ValueError, match=r"not a date or time|must be in|does not name one"):
        read_timestamp(joined_time("2020-01-01", clock))


@pytest.mark.parametrize("clock", ["", " ", "nan", "None", "null", "NA"])
def test_no_time_of_the_day_leaves_the_date(clock):
    assert joined_time("2020-01-01", clock) == "2020-01-01"


@pytest.mark.parametrize("value", [None, float("nan")])
def test_no_value_leaves_the_date(value):
    assert complete_time("2020-01-01", [value]) == ("2020-01-01", ())


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("9:00 AM", "09:00:00"),
        ("9:00 PM", "21:00:00"),
        ("09:00:05 pm", "21:00:05"),
        ("9:00:05.250PM", "21:00:05"),
        ("12:00 AM", "00:00:00"),
        ("12:59 am", "00:59:00"),
        ("12:00 p.m.", "12:00:00"),
        ("1:15 A.M.", "01:15:00"),
        ("1:15 p. m.", "13:15:00"),
        ("11 pm", "23:00:00"),
        ("9:00\u202fPM", "21:00:00"),
        ("10:00:00Z", "10:00:00"),
        ("10:00:00+02:00", "08:00:00"),
        ("10:00 PST", "18:00:00"),
        ("10:00-05", "15:00:00"),
    ],
)
def test_clocks_of_12_hours_and_with_a_zone(clock, expected):
    assert read_timestamp(joined_time("2020-01-01", clock)).strftime("%H:%M:%S") == expected


@pytest.mark.parametrize(
    "day", ["2020-01-01 00:00:00", "2020-01-01T00:00", "2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00+00:00"]
)
def test_midnight_behind_a_date_is_none(day):
    assert joined_time(day, "10:00") == "2020-01-01 10:00"
    assert joined_time(day.replace("00:00", "00:01", 1), "10:00") == day.replace("00:00", "00:01", 1)


@pytest.mark.parametrize("value", [5, [1], {"a": 1}, True])
def test_a_time_of_another_type_is_none(value):
    text, warnings = complete_time("2020-01-01", [value])
    assert (text, warnings) == (f"2020-01-01 {value}", ())


def test_the_zone_of_the_time_wins():
    assert complete_time("2020-01-01", ["10:00Z", "CET"]) == ("2020-01-01 10:00Z", ())
    assert complete_time(1577872800, ["10:00", "CET"]) == (1577872800, ())


@pytest.mark.parametrize("offset", ["-0800", "-08:00", "PST"])
def test_the_offset_may_be_a_zone_that_has_one_meaning(offset):
    assert read_timestamp(joined_time("2020-01-01", "10:00", offset)).isoformat() == "2020-01-01T18:00:00+00:00"


@pytest.mark.parametrize("offset", ["-7200", "-3600", "+5400", "3600", "+1860", "CET", "CST", "Europe/Berlin"])
def test_what_is_no_offset_leaves_the_time(offset):
    assert joined_time("2020-01-01", "10:00", offset) == "2020-01-01 10:00"
    assert timezone_warnings("2020-01-01", "10:00", offset)[0].startswith(f"unknown_timezone: {offset!r}")
    assert timezone_warnings("2020-01-01", "", offset) == ()


@pytest.mark.parametrize("offset", ["+0000", "-12:00", "+14:00", "+05:45", "-0930"])
def test_offsets_that_there_are(offset):
    assert joined_time("2020-01-01", "24:00", offset) == f"2020-01-01 24:00{offset}"
    assert timezone_warnings("2020-01-01", "24:00", offset) == ()


@pytest.mark.parametrize("offset", ["", "UTC", "GMT", "Z", "0", " UTC "])
def test_utc_needs_no_warning(offset):
    assert joined_time("2020-01-01", "10:00", offset) == "2020-01-01 10:00"
    assert timezone_warnings("2020-01-01", "10:00", offset) == ()
