"""Times that a table holds in several columns: the date, the time of the day and the offset from UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from data_loaders.errors import short_repr
from data_loaders.text.timestamps import ZONES

_DATES, _TIMES, _OFFSETS = ("date", "dateutc", "day"), ("time", "timeutc", "timeofday"), ("timezone", "utcoffset")
_SEPARATORS = re.compile(r"[\s\-._]+")
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}", re.ASCII)
_TIME = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d{1,9})?)?|24:00(?::00)?", re.ASCII)
# Not -7200, which are seconds.
_OFFSET = re.compile(
    r"[+-](?:0\d|1[0-4]):?[0-5]\d|" + "|".join(zone for zone, hours in ZONES.items() if hours), re.ASCII
)
_IN_UTC = "utc"
# What a time counts as without a zone.
_UTC = (*(zone for zone, hours in ZONES.items() if not hours), "0", "+0")


def time_columns(header: Sequence[str], columns: Mapping[str, int]) -> list[int]:
    """Return the columns that complete the date in the column of the timestamp; none where that is not a date's.

    Args:
        header: names of all columns.
        columns: of the fields.
    """
    names = [_SEPARATORS.sub("", name).lower() for name in header]
    if "timestamp" not in columns or names[columns["timestamp"]] not in _DATES:
        return []
    time = next((names.index(name) for name in _TIMES if name in names), None)
    if time is None or time in columns.values():
        return []
    if names[columns["timestamp"]].endswith(_IN_UTC) or names[time].endswith(_IN_UTC):
        return [time]
    offset = next((names.index(name) for name in _OFFSETS if name in names), None)
    return [time] if offset is None or offset in columns.values() else [time, offset]


def joined_time(date: str, time: str, offset: str = "") -> str:
    """Return one text of the parts of a time; the date alone, as it is, where the others are not such parts.

    >>> joined_time("2020-01-01", "10:00", "+0100"), joined_time("2020-01-01", ""), joined_time("1577872800", "10:00")
    ('2020-01-01 10:00+0100', '2020-01-01', '1577872800')
    """
    if not (_DATE.fullmatch(date.strip()) and _TIME.fullmatch(time.strip())):
        return date
    return f"{date.strip()} {time.strip()}{offset.strip() if _OFFSET.fullmatch(offset.strip()) else ''}"


def timezone_warnings(date: str, time: str, offset: str = "") -> tuple[str, ...]:
    """Return a warning if the parts of a time name a zone that `joined_time` does not read.

    >>> timezone_warnings("2020-01-01", "10:00", "+0100"), timezone_warnings("2020-01-01", "", "CET")
    ((), ())
    """
    zone = offset.strip()
    if not zone or zone in _UTC or _OFFSET.fullmatch(zone) or joined_time(date, time) == date:
        return ()
    return (
        f"unknown_timezone: {short_repr(zone, limit=60)}; the time counts as UTC; accepted: +0100, -08:00, EST, PST.",
    )
