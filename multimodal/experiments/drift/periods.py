"""Periods of the calendar: days, weeks, months, quarters and years in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, get_args

from data_loaders.errors import UserError, nearest
from data_loaders.posts import Post, instant_us

PeriodKind = Literal["day", "week", "month", "quarter", "year"]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A stretch of the calendar.

    Attributes:
        start_us: its first instant, microseconds since 1970.
        name: such as `2024-03` for a month.
    """

    start_us: int
    name: str


def check_kind(kind: str) -> PeriodKind:
    """Return the kind of a period.

    Raises:
        UserError: it is unknown.
    """
    for known in get_args(PeriodKind):
        if kind == known:
            checked: PeriodKind = known
            return checked
    known_kinds = get_args(PeriodKind)
    raise UserError(f"period: {kind!r} is unknown.{nearest(kind, known_kinds)} Accepted: {', '.join(known_kinds)}.")


def period_of(post: Post, kind: PeriodKind) -> Period | None:
    """Return the period of a post; None for a post without a timestamp."""
    if post.timestamp is None:
        return None
    day = (_EPOCH + timedelta(microseconds=post.instant_us)).replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "day":
        return Period(instant_us(day), day.strftime("%Y-%m-%d"))
    if kind == "week":
        year, week, weekday = day.isocalendar()
        return Period(instant_us(day - timedelta(days=weekday - 1)), f"{year}-W{week:02d}")
    first = day.replace(day=1)
    if kind == "month":
        return Period(instant_us(first), first.strftime("%Y-%m"))
    if kind == "quarter":
        number = (first.month - 1) // 3
        return Period(instant_us(first.replace(month=3 * number + 1)), f"{first.year}-Q{number + 1}")
    return Period(instant_us(first.replace(month=1)), f"{first.year}")


def by_period(posts: Sequence[Post], kind: PeriodKind) -> dict[Period, list[int]]:
    """Return the rows of the posts of each period, in order of time; posts without a timestamp are in none."""
    found: dict[Period, list[int]] = {}
    for row, post in enumerate(posts):
        period = period_of(post, kind)
        if period is not None:
            found.setdefault(period, []).append(row)
    return dict(sorted(found.items()))
