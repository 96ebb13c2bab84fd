"""Windows of time, and the choice by their mean."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from data_loaders.posts import Post
from multimodal.baselines.windows import choose, tuning_windows

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def post(hour, *hashtags):
    return Post(post_id=str(hour), timestamp=START + timedelta(hours=hour), hashtags=hashtags or ("a",))


def hours(windows):
    return [[int(one.post_id) for one in window] for window in windows]


TRAIN = [post(hour) for hour in (4, 0, 1, 2, 3, 5, 6)]
VALIDATION = [post(7), post(8)]


class TestWindows:
    def test_as_long_as_the_validation_split_the_oldest_first(self):
        assert hours(tuning_windows(TRAIN, VALIDATION, 3, 100)) == [[3, 4], [5, 6], [7, 8]]

    def test_one_is_the_validation_split(self):
        assert hours(tuning_windows(TRAIN, VALIDATION, 1, 100)) == [[7, 8]]

    def test_fewer_where_train_is_short(self):
        assert hours(tuning_windows(TRAIN[:3], VALIDATION, 9, 100)) == [[1, 4], [7, 8]]

    def test_posts_without_hashtags_do_not_count_and_the_rest_is_spaced(self):
        untagged = Post(post_id="9", timestamp=START)
        assert hours(tuning_windows([], [post(1), untagged, post(2), post(3), post(4)], 2, 2)) == [[1, 3]]

    def test_without_validation_posts_there_is_none(self):
        assert hours(tuning_windows(TRAIN, [], 3, 100)) == [[]]


class TestChoice:
    def lists(self, posts):
        yield "first", [["a"] if one.post_id == "7" else [] for one in posts]
        yield "steady", [["a"] for one in posts]
        yield "as_good", [["a", "b"] for one in posts]

    def test_the_mean_over_windows_decides_and_the_earlier_of_equals_wins(self):
        chosen, scores = choose([[post(6)], [post(7)]], self.lists, "none")
        assert chosen == "steady"
        assert scores["steady"] == scores["as_good"] == 2 * scores["first"]

    def test_windows_without_posts_do_not_count(self):
        assert choose([[], [post(7)]], self.lists, "none")[1] == choose([[post(7)]], self.lists, "none")[1]

    def test_without_posts_it_is_the_first(self):
        assert choose([[]], self.lists, "none") == ("none", {})
