"""Shifts of trends, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.posts import Post
from multimodal.experiments.drift.trend_shifts import leading_hashtags, ranked_jaccard_distance, trend_table

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
RANKING = st.lists(st.sampled_from("abcdefgh"), unique=True)


def post(day, *hashtags):
    return Post(post_id=f"{day}{hashtags}", timestamp=START + timedelta(days=day), hashtags=hashtags)


def test_distances_by_hand():
    # Weights 3, 2, 1 against 3 for c, 2 for a, 1 for d: shared are min(3, 2) of a and min(1, 3) of c.
    assert ranked_jaccard_distance("abc", "cad") == pytest.approx(1 - (2 + 1) / (3 + 2 + 3 + 1))
    assert ranked_jaccard_distance([], []) == 0
    assert ranked_jaccard_distance([], ["a"]) == 1


@given(RANKING, RANKING)
def test_a_distance_is_symmetric_between_0_and_1_and_0_for_the_same(first, second):
    distance = ranked_jaccard_distance(first, second)
    assert distance == pytest.approx(ranked_jaccard_distance(second, first))
    assert 0 <= distance <= 1
    assert (distance == 0) == (first == second)


def test_leading_hashtags_equal_ones_by_text():
    assert leading_hashtags([post(0, "b", "a"), post(1, "c", "b")], 2) == ["b", "a"]


def test_shares_of_unseen_hashtags():
    splits = {
        "train": [post(0, "a", "b")],
        "validation": [post(1, "new", "a")],
        "test": [post(2, "new", "newer"), Post(post_id="undated", hashtags=("old",), sequence=0)],
    }
    table = trend_table(splits, "day").set_index("period")
    assert table["unseen_in_train"].tolist() == [0, 0.5, 1.0]
    assert table["unseen_before"].tolist() == [1.0, 0.5, 0.5]
    assert np.isnan(table["distance"].iloc[0])
    assert table["posts"].tolist() == [1, 1, 1]


def test_a_shift_stands_out_from_earlier_distances_and_not_before_there_are_three():
    usual = [["a", "b", "c", "d"], ["b", "a", "c", "d"], ["a", "b", "d", "c"], ["a", "b", "c", "d"]]
    days = [*usual, ["w", "x", "y", "z"], ["w", "x", "y", "z"]]
    # A hashtag at rank r is in as many posts of the day, so that ranks are what is written here.
    train = [post(day, *tags[:count]) for day, tags in enumerate(days) for count in range(1, 5)]
    splits = {"train": [], "validation": [], "test": train}
    assert trend_table(splits, "day")["shift"].tolist() == [False, False, False, False, True, False]
    early = [post(day, *tags[:count]) for day, tags in enumerate(days[3:]) for count in range(1, 5)]
    assert not trend_table({**splits, "test": early}, "day")["shift"].any()
