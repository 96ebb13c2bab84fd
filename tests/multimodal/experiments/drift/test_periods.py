"""Periods of the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from data_loaders.errors import UserError
from data_loaders.posts import Post, instant_us
from multimodal.experiments.drift.periods import Period, by_period, check_kind, period_of

MOMENT = datetime(2025, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))  # the last evening of 2024 in UTC


@pytest.mark.parametrize(
    ("kind", "name", "start"),
    [
        ("day", "2024-12-31", (2024, 12, 31)),
        ("week", "2025-W01", (2024, 12, 30)),
        ("month", "2024-12", (2024, 12, 1)),
        ("quarter", "2024-Q4", (2024, 10, 1)),
        ("year", "2024", (2024, 1, 1)),
    ],
)
def test_names_and_starts_are_in_utc(kind, name, start):
    expected = Period(instant_us(datetime(*start, tzinfo=timezone.utc)), name)
    assert period_of(Post(post_id="a", timestamp=MOMENT), kind) == expected


def test_posts_by_period_in_order_of_time_without_the_undated():
    days = [3, 40, 1, None]
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    posts = [
        Post(post_id=str(day), timestamp=None if day is None else start + timedelta(days=day), sequence=1)
        for day in days
    ]
    assert {period.name: rows for period, rows in by_period(posts, "month").items()} == {
        "2024-01": [0, 2],
        "2024-02": [1],
    }


def test_an_unknown_kind_is_refused():
    with pytest.raises(
        UserError, match=r"period: 'mont' is unknown. Did you mean 'month'\? Accepted: day, week, month"
    ):
        check_kind("mont")
