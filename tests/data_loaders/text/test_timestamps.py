from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.timestamps import read_timestamp

INSTANT = datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)
NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "value",
    [
        "2022-10-28T19:56:50Z",
        "2022-10-28T19:56:50z",
        "2022-10-28T21:56:50+02:00",
        "2022-10-28T21:56:50+0200",
        "2022-10-28 19:56:50+00:00",
        "2022-10-28 19:56:50 UTC",
        "2022-10-28T19:56:50",
        "2022-10-28T19:56:50.000000000Z",
        " 2022/10/28 19:56:50 ",
        "Fri Oct 28 19:56:50 +0000 2022",
        "Fri, 28 Oct 2022 19:56:50 GMT",
        "Fri, 28 Oct 2022 21:56:50 +0200",
        "28 Oct 2022 19:56:50 UTC",
        "2022-10-28 19:56:50 +0000 UTC",
        "2022-10-28 15:56:50 EDT",
        "2022-10-28T12:56:50PDT",
        "2022-10-28 12:56:50 PDT[America/Los_Angeles]",
        "Fri Oct 28 13:56:50 MDT 2022",
        "Fri Oct 28 19:56:50 UT 2022",
        "Fri, 28 Oct 2022 11:56:50 PST",
        1666987010,
        1666987010.0,
        1666987010000,
        1666987010000000,
        "1666987010",
        "1666987010.0",
        "1.66698701e9",
        "1666987010000",
        datetime(2022, 10, 28, 19, 56, 50),
        INSTANT.astimezone(timezone(timedelta(hours=-7))),
    ],
)
def test_spellings_of_one_instant(value):
    assert read_timestamp(value, NOW) == INSTANT
    assert read_timestamp(value, NOW).tzinfo is timezone.utc


@pytest.mark.parametrize("zone", ["UT", "GMT", "UTC", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"])
def test_names_of_zones_in_mail_are_those_of_the_standard_library(zone):
    text = f"Fri, 28 Oct 2022 19:56:50 {zone}"
    assert read_timestamp(text, NOW) == parsedate_to_datetime(text)


@pytest.mark.parametrize(
    "value", ["2022-10-28 19:56:50 {}", "Fri Oct 28 19:56:50 {} 2022", "Fri, 28 Oct 2022 19:56:50 {}"]
)
def test_zones_whose_name_has_several_meanings_are_refused(value):
    for zone in ("CEST", "IST", "BST", "AEST", "XYZ") + ("CST",) * ("," not in value):
        with pytest.raises(ValueError, match=f"^{zone} does not name one time zone; write an offset such as -06:00$"):
            read_timestamp(value.format(zone), NOW)


@pytest.mark.parametrize("value", ["2022-10-28", "2022/10/28", date(2022, 10, 28), "2022-10-28T00:00"])
def test_a_date_is_its_midnight(value):
    assert read_timestamp(value, NOW) == datetime(2022, 10, 28, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "value, instant",
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),  # a leap second
        ("2017-01-01T05:29:60+05:30", "2017-01-01T00:00:00+00:00"),
        ("2022-10-28T24:00:00", "2022-10-29T00:00:00+00:00"),  # the end of a day
        ("2022-10-28 24:00", "2022-10-29T00:00:00+00:00"),
        ("2022-10-28T21:56:50+02:00[Europe/Berlin]", "2022-10-28T19:56:50+00:00"),  # as Java prints it
        ("2022-10-28T19:56:50Z[Etc/GMT+0]", "2022-10-28T19:56:50+00:00"),
    ],
)
def test_instants_that_clocks_rarely_show(value, instant):
    assert read_timestamp(value, NOW).isoformat() == instant


@pytest.mark.parametrize(
    "value, problem",
    [
        ("3021-01-01", "in the future"),
        ("2024-01-04", "in the future"),
        ("1989-12-31T23:59:59Z", "before 1990"),
        (0, "before 1990"),
        ("0001-01-01T00:00:00+14:00", "year is out of range"),
        ("2022-13-01", "month"),
        ("2022-02-30", "day"),
        ("2022-10-28T25:00:00", "hour"),
        ("2022-10-28T24:00:01", "hour"),
        ("2022-10-28T23:58:60", "second"),
        ("2022-10-28T19:56:50[Europe/Berlin]", "not a date or time"),
        ("yesterday", "not a date or time"),
        ("2022-10-28 07:56:50 PM", "not a date or time"),
        ("2022-10-28 07:56:50 pst", "not a date or time"),
        ("28.10.2022", "not a date or time"),
        ("Fri, 28 Oct 2022 19:56:50", "not a date or time"),
        ("2022-10-28 19:56:50 +0200 UTC", "not a date or time"),
        ("", "not a date or time"),
        (float("inf"), "not a finite number"),
        (1e300, "too large"),
        ("2022-10-28T00:00:00+99:99", "offset"),
    ],
)
def test_absurd_values_are_named(value, problem):
    with pytest.raises(ValueError, match=problem):
        read_timestamp(value, NOW)


def test_up_to_two_days_ahead():
    assert read_timestamp("2024-01-03", NOW) == NOW + timedelta(days=2)


@pytest.mark.parametrize("fold, hour", [(0, 0), (1, 1)])
def test_the_hour_that_clocks_show_twice(fold, hour):
    moment = datetime(2022, 10, 30, 2, 30, fold=fold, tzinfo=ZoneInfo("Europe/Berlin"))
    assert read_timestamp(moment, NOW).isoformat() == f"2022-10-30T0{hour}:30:00+00:00"


@pytest.mark.parametrize("zone", [None, timezone.utc])
def test_no_fold_is_left_in_utc(zone):
    assert read_timestamp(datetime(2022, 10, 30, 2, 30, fold=1, tzinfo=zone), NOW).fold == 0


@given(st.datetimes(datetime(1990, 1, 2), datetime(2023, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_isoformat_is_read_back(moment, offset_minutes):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert read_timestamp(aware.isoformat(), NOW) == aware
    assert read_timestamp(moment.isoformat(), NOW) == moment.replace(tzinfo=timezone.utc)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        instant = read_timestamp(text, NOW)
    except ValueError:
        return
    assert instant.tzinfo is timezone.utc
