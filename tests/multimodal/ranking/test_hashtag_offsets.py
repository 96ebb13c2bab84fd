"""Offsets of hashtags from feedback."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.memory.posts.user_notes import Feedback
from multimodal.ranking.hashtag_offsets import HashtagSettings, hashtag_offsets


def feedback(instant_us, accepted=(), rejected=(), chances=None, post_id=None):
    lists = {"accepted": tuple(accepted), "rejected": tuple(rejected)}
    return Feedback(given_us=instant_us, instant_us=instant_us, post_id=post_id, chances=chances or {}, **lists)


def nothing(post_id):
    return False


def test_by_hand():
    # (1 - 0.5) / (0.25 + 1 / 4) = 1, and (0 - 0.5) / the same.
    told = [feedback(1, ["sea"], ["sky"], {"sea": 0.5, "sky": 0.5})]
    assert hashtag_offsets(told, 2, nothing, HashtagSettings(spread=2.0)) == pytest.approx({"sea": 1.0, "sky": -1.0})


def test_what_the_user_wrote_was_not_expected_and_what_was_turned_down_could_have_been():
    told = [feedback(1, ["sea"], ["sky"])]
    assert hashtag_offsets(told, 2, nothing, HashtagSettings(spread=2.0)) == pytest.approx({"sea": 4.0, "sky": -1.0})


def test_feedback_on_remembered_posts_says_less():
    told = [feedback(1, ["sea"], chances={"sea": 0.5}, post_id="p1")]
    settings = HashtagSettings(spread=2.0, remembered=1.0)
    assert hashtag_offsets(told, 2, {"p1"}.__contains__, settings) == pytest.approx({"sea": 0.5 / 1.25})
    assert hashtag_offsets(told, 2, {"p2"}.__contains__, settings) == pytest.approx({"sea": 1.0})
    both = [*told, feedback(1, ["sea"], chances={"sea": 0.5})]
    assert hashtag_offsets(both, 2, {"p1"}.__contains__, settings) == pytest.approx({"sea": 0.4 + 1.0})


def test_only_earlier_feedback_counts_and_the_last_of_it():
    told = [feedback(1, ["sea"]), feedback(5, rejected=["sky"])]
    assert set(hashtag_offsets(told, 5, nothing)) == {"sea"}
    assert hashtag_offsets(told, 1, nothing) == {}
    assert set(hashtag_offsets(told, 9, nothing, HashtagSettings(last=1))) == {"sky"}


def test_a_hashtag_that_was_accepted_and_rejected_was_accepted():
    assert hashtag_offsets([feedback(1, ["sea"], ["sea"])], 2, nothing)["sea"] > 0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=40))
def test_it_is_bounded(rows):
    told = [feedback(1, ["a"] * up, ["a"] * (not up), {"a": chance}) for up, chance in rows]
    offsets = hashtag_offsets(told, 2, nothing, HashtagSettings(spread=20.0, bound=3.0))
    assert all(abs(offset) <= 3.0 for offset in offsets.values())
