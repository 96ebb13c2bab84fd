"""Times that a record holds in several places: the date, the time of the day and the offset from UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from data_loaders.errors import short_repr
from data_loaders.readers.extended_json import plain_value
from data_loaders.text.identifiers import says_missing
from data_loaders.text.timestamps import ZONES

_DATES, _TIMES, _OFFSETS = ("date", "dateutc", "day"), ("time", "timeutc", "timeofday"), ("timezone", "utcoffset", "tz")
_SEPARATORS = re.compile(r"[\s\-._]+")
# Programs write midnight behind a date that has no time.
_DATE = re.compile(r"(\d{4}[-/]\d{1,2}[-/]\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?)?", re.ASCII)
# Not -7200, which are seconds.
_OFFSET = re.compile(
    r"[+-](?:0\d|1[0-4]):?[0-5]\d|" + "|".join(zone for zone, hours in ZONES.items() if hours), re.ASCII
)
# Browsers write a narrow space that does not break.
_BLANKS = r"[ \t\u00a0\u202f]*"
_HALF_DAY = re.compile(
    rf"(?P<hour>0?[1-9]|1[0-2])(?P<rest>:[0-5]\d(?::[0-5]\d(?:[.,]\d{{1,9}})?)?)?{_BLANKS}"
    rf"(?P<half>[ap])(?:m|\.{_BLANKS}m\.?)",
    re.ASCII | re.IGNORECASE,
)
_WITH_ZONE = re.compile(
    rf"(?P<clock>\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,9}})?)?){_BLANKS}"
    rf"(?P<zone>{'|'.join(ZONES)}|{_OFFSET.pattern}|[+-]\d{{2}})",
    re.ASCII,
)
_IN_UTC = "utc"
# What a time counts as without a zone.
_UTC = (*(zone for zone, hours in ZONES.items() if not hours), "0", "+0")


def time_names(names: Iterable[str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what completes the date in the place of the timestamp; none where that is not a date's.

    Args:
        names: names of all columns or keys.
        found: those of the fields.

    >>> time_names(["id", "date", "time", "tz"], {"timestamp": "date"}), time_names(["date", "time"], {})
    (('time', 'tz'), ())
    """
    if "timestamp" not in found or _squashed(found["timestamp"]) not in _DATES:
        return ()
    taken = set(found.values())
    by_squashed = {_squashed(name): name for name in reversed([*names])}
    clock = next((by_squashed[name] for name in _TIMES if name in by_squashed), None)
    if clock is None or clock in taken:
        return ()
    if _squashed(found["timestamp"]).endswith(_IN_UTC) or _squashed(clock).endswith(_IN_UTC):
        return (clock,)
    offset = next((by_squashed[name] for name in _OFFSETS if name in by_squashed), None)
    return (clock,) if offset is None or offset in taken else (clock, offset)


def _squashed(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()


def complete_time(day: Any, parts: Sequence[Any]) -> tuple[Any, tuple[str, ...]]:
    """Return one value of the parts of a time, and a warning if they name a zone that is not read.

    Args:
        day: the value in the place of the timestamp.
        parts: the values that `time_names` leads to.

    >>> complete_time("2020-01-01", ["9:30 pm", None])
    ('2020-01-01 21:30', ())
    """
    texts = [_text(part) for part in parts]
    shown = _text(day)
    whole = joined_time(shown, *texts) if texts else shown
    return (day if whole == shown else whole), (timezone_warnings(shown, *texts) if texts else ())


def _text(value: Any) -> str:
    value = plain_value(value)
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, (str, timedelta)):
        return str(value)
    return value.isoformat() if isinstance(value, (date, time)) else short_repr(value)


def joined_time(day: str, clock: str, offset: str = "") -> str:
    """Return one text of the parts of a time, which is no time if the time of the day is none.

    The date stays as it is, without a time of the day and if it is no date alone.

    >>> joined_time("2020-01-01", "10:00", "+0100"), joined_time("2020-01-01", ""), joined_time("1577872800", "10:00")
    ('2020-01-01 10:00+0100', '2020-01-01', '1577872800')
    >>> joined_time("2020-01-01", "12:05 a.m."), joined_time("2020-01-01", "10:00Z", "PST")
    ('2020-01-01 00:05', '2020-01-01 10:00Z')
    """
    alone, clock = _DATE.fullmatch(day.strip()), clock.strip()
    if alone is None or not clock or says_missing(clock):
        return day
    if zoned := _WITH_ZONE.fullmatch(clock):
        return f"{alone[1]} {zoned['clock']}{zoned['zone']}"
    return f"{alone[1]} {_of_24_hours(clock)}{offset.strip() if _OFFSET.fullmatch(offset.strip()) else ''}"


def _of_24_hours(clock: str) -> str:
    """Return a time of the day with AM or PM as one of 24 hours, any other text as it is."""
    halved = _HALF_DAY.fullmatch(clock)
    if halved is None:
        return clock
    hour = int(halved["hour"]) % 12 + (12 if halved["half"] in "pP" else 0)
    return f"{hour:02}{halved['rest'] or ':00'}"


def timezone_warnings(day: str, clock: str, offset: str = "") -> tuple[str, ...]:
    """Return a warning if the parts of a time name a zone that `joined_time` does not read.

    >>> timezone_warnings("2020-01-01", "10:00", "+0100"), timezone_warnings("2020-01-01", "", "CET")
    ((), ())
    """
    zone = offset.strip()
    if not zone or says_missing(zone) or zone in _UTC or _OFFSET.fullmatch(zone) or joined_time(day, clock) == day:
        return ()
    if _WITH_ZONE.fullmatch(clock.strip()):
        return ()
    return (
        f"unknown_timezone: {short_repr(zone, limit=60)}; the time counts as UTC; accepted: +0100, -08:00, EST, PST.",
    )
