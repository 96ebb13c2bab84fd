"""Read the timestamps of dumps: ISO 8601, Unix seconds to nanoseconds, Twitter's `created_at`, dates of e-mail."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

ACCEPTED = "ISO 8601 such as 2022-10-28T19:56:50Z, or Unix seconds or milliseconds, from 1990 to the day after tomorrow"

_EARLIEST = datetime(1990, 1, 1, tzinfo=timezone.utc)
_MIDNIGHT, _LEAP = 24, 60
_LATEST_AFTER_NOW = timedelta(days=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
# The names that RFC 2822 gives a meaning, in hours from UTC.
ZONES = {
    "Z": 0,
    "UT": 0,
    "UTC": 0,
    "GMT": 0,
    "EDT": -4,
    "EST": -5,
    "CDT": -5,
    "MDT": -6,
    "MST": -7,
    "PDT": -7,
    "PST": -8,
}
_MAIL_ZONES = {**ZONES, "CST": -6}  # elsewhere it is China's as often
_ZONE_NAME = r"UT|[A-Z]{3,5}"
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ISO = re.compile(
    r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})"
    r"(?:[Tt ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    rf"\s*(?:(?P<zone>[Zz]|{_ZONE_NAME}|[+-]\d{{2}}(?::?\d{{2}})?)"
    r"(?:\[[\w/+\-]+\]|(?:(?<=[+-]0000)|(?<=[+-]00:00)) UTC)?)?)?",
    re.ASCII,
)
_TWITTER = re.compile(
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2}) (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})"
    rf" (?P<zone>[+-]\d{{4}}|{_ZONE_NAME}) (?P<year>\d{{4}})",
    re.ASCII,
)
# As in e-mail and HTTP (RFC 5322).
_RFC = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4})"
    rf" (?P<hour>\d{{2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))? (?P<zone>[+-]\d{{4}}|{_ZONE_NAME}|Z)",
    re.ASCII,
)


def read_timestamp(value: str | float | date, now: datetime | None = None) -> datetime:
    """Return a time in UTC. A time without a zone counts as UTC, a date as midnight UTC.

    Numbers, and texts that are numbers, are seconds since 1970, or milli-, micro- or nanoseconds depending on size.

    Args:
        value: the timestamp.
        now: the current time; times up to two days later are accepted. None for the system clock.

    Raises:
        ValueError: the value cannot be read, or is before 1990 or more than two days in the future.

    >>> read_timestamp("2022-10-28T21:56:50+02:00").isoformat()
    '2022-10-28T19:56:50+00:00'
    >>> read_timestamp("2022-10-28T21:56:50+02:00") == read_timestamp(1666987010) == read_timestamp("1666987010000")
    True
    >>> read_timestamp("yesterday")
    Traceback (most recent call last):
    ValueError: not a date or time
    """
    instant = _parse(value)
    latest = (now or datetime.now(timezone.utc)) + _LATEST_AFTER_NOW
    if not _EARLIEST <= instant <= latest:
        raise ValueError(f"{instant.isoformat()} is {'before 1990' if instant < _EARLIEST else 'in the future'}")
    return instant


def _parse(value: str | float | date) -> datetime:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return _from_number(float(text))
        match = _ISO.fullmatch(text) or _TWITTER.fullmatch(text) or _RFC.fullmatch(text)
        if match is None:
            raise ValueError("not a date or time")
        return _from_match(match)
    return _from_number(value)


def _from_number(number: float) -> datetime:
    try:
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        seconds = number
        for unit_limit, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
            if abs(number) >= unit_limit:
                seconds = number / unit
                break
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("the number is too large") from None


def _from_match(match: re.Match[str]) -> datetime:
    parts = match.groupdict()
    month = _MONTHS.get(parts["month"]) or (int(parts["month"]) if parts["month"].isdigit() else 0)
    year, day, hour, minute, second = (int(parts[name] or 0) for name in ("year", "day", "hour", "minute", "second"))
    microsecond = int((parts.get("fraction") or "").ljust(6, "0")[:6])
    # The end of a day, and a leap second: the instant after the one before.
    midnight, leap = hour == _MIDNIGHT and not (minute or second or microsecond), second == _LEAP
    if midnight or leap:
        hour, minute, second = 23 if midnight else hour, 59 if midnight else minute, 59
    zone = _zone(parts["zone"] or "Z", _MAIL_ZONES if match.re is _RFC else ZONES)
    before = _utc(datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone))
    if leap and (before.hour, before.minute) != (23, 59):
        raise ValueError("second must be in 0..59, but at the end of a day in UTC")
    return before + timedelta(seconds=1) if midnight or leap else before


def _zone(text: str, named: Mapping[str, int]) -> timezone:
    if text[0] not in "+-":
        if text.upper() not in named:
            raise ValueError(f"{text} does not name one time zone; write an offset such as -06:00")
        return timezone(timedelta(hours=named[text.upper()]))
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _utc(value: datetime) -> datetime:
    # Rebuilt: a pandas Timestamp is a datetime whose nanoseconds must not survive.
    plain = datetime.combine(value.date(), value.time(), value.tzinfo or timezone.utc)
    try:
        # The fold says which of two equal readings of a clock is meant; in UTC there are none.
        return plain.astimezone(timezone.utc).replace(fold=0)
    except OverflowError:
        raise ValueError("the year is out of range") from None
