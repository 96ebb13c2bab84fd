"""Tables that hold the date, the time and the offset in columns of their own, as twint wrote them."""

import pytest

from data_loaders.readers import ReaderOptions, open_dump
from data_loaders.readers.split_times import joined_time, time_columns, timezone_warnings
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


def test_a_column_that_is_named_is_read_alone(tmp_path):
    path = tmp_path / "tweets.csv"
    path.write_text("id,created,date,time,text\n1,2020-01-05T00:00:00Z,2020-01-01,10:00,a\n")
    reader = open_dump(path, options=ReaderOptions(columns={"timestamp": "created"}))
    assert next(iter(reader.read())).post.timestamp.isoformat() == "2020-01-05T00:00:00+00:00"
    assert list(reader.columns_unread) == ["date", "time"]


@pytest.mark.parametrize(
    ("header", "timestamp", "expected"),
    [
        (["id", "Date", "Time"], 1, [2]),
        (["id", "date", "time", "UTC offset"], 1, [2, 3]),
        (["id", "date_utc", "time_utc", "UTC offset"], 1, [2]),
        (["id", "date", "time_utc", "timezone"], 1, [2]),
        (["id", "date"], 1, []),
        (["id", "created_at", "time"], 1, []),
        (["id", "date", "time"], 2, []),
        (["id", "date", "time"], None, []),
    ],
)
def test_columns_that_complete_a_date(header, timestamp, expected):
    assert (
        time_columns(header, {"post_id": 0} if timestamp is None else {"post_id": 0, "timestamp": timestamp})
        == expected
    )


@pytest.mark.parametrize("time", ["25:00", "99:59", "10:75", "24:30", "90:00"])
def test_what_is_no_time_of_the_day_leaves_the_date(time):
    assert joined_time("2020-01-01", time) == "2020-01-01"


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
