"""What the feedback of users changes in the answers of a hybrid."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.recommender import Recommender

ASKED = {"user_id": "user3", "caption": "a quiet harbour"}


@pytest.fixture
def recommender(hybrid_run):
    return Recommender.from_pretrained(hybrid_run.path)


def chances(recommender, asked=ASKED, k=15):
    return {one.hashtag: one.score for one in recommender.recommend(**asked, k=k)}


def test_what_is_turned_down_falls_and_what_is_taken_rises(recommender):
    before = chances(recommender)
    down, up, *_ = before
    recommender.feedback(recommender.recommend(**ASKED, k=5), user_id="user3", accepted=[up], rejected=[down])
    after = chances(recommender)
    assert after[up] > before[up]
    assert after[down] < before[down]
    others = set(before) & set(after) - {up, down}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_feedback_with_reasons_moves_sources_too(recommender):
    before = chances(recommender)
    answer = recommender.recommend(**ASKED, k=5, explain=True)
    recommender.feedback(answer, user_id="user3", rejected=[one.hashtag for one in answer])
    after = chances(recommender)
    told = {one.hashtag for one in answer}
    assert any(after[name] != before[name] for name in set(before) & set(after) - told)


def test_nobody_else_is_answered_otherwise(recommender):
    others = [{**ASKED, "user_id": user_id} for user_id in ("user4", "stranger", None)]
    before = [chances(recommender, asked) for asked in others]
    recommender.feedback(recommender.recommend(**ASKED, explain=True), user_id="user3", added=["mudflat"])
    assert [chances(recommender, asked) for asked in others] == before


def test_a_hashtag_that_nobody_ever_used_can_be_added(recommender):
    assert "mudflat" not in chances(recommender)
    recommender.feedback("", user_id="user3", added=["mudflat"])
    once = chances(recommender)["mudflat"]
    recommender.feedback("", user_id="user3", added=["mudflat"])
    assert chances(recommender)["mudflat"] > once
    assert "mudflat" not in {one.hashtag for one in recommender.recommend(**ASKED, k=15, never=["mudflat"])}
    recommender.feedback("", user_id="walker", rejected=["mudflat"])
    assert "mudflat" not in chances(recommender, {"user_id": "walker"})


def test_a_post_that_is_observed_does_not_say_it_twice(recommender):
    post = {**ASKED, "post_id": "seen", "hashtags": ["mudflat"]}
    recommender.observe(post)
    before = chances(recommender)["mudflat"]
    recommender.feedback("seen", added=["mudflat"])
    remembered = chances(recommender)["mudflat"]
    recommender.feedback("", user_id="user3", added=["mudflat"])
    assert before < remembered < chances(recommender)["mudflat"]


def test_earlier_posts_and_forgotten_users_do_not_know_of_it(recommender):
    earlier = {**ASKED, "timestamp": "2001-01-01"}
    before = chances(recommender, earlier)
    recommender.feedback(recommender.recommend(**ASKED, explain=True), user_id="user3", added=["mudflat"])
    assert chances(recommender, earlier) == before
    assert "mudflat" in chances(recommender)
    recommender.forget("user3")
    assert "mudflat" not in chances(recommender)


def test_a_post_alone_as_in_a_batch(recommender):
    recommender.feedback(recommender.recommend(**ASKED, explain=True), user_id="user3", added=["mudflat", "eelgrass"])
    posts = [{**ASKED, "user_id": user_id} for user_id in ("user3", "user4", "user3", None, "user5")]
    together = recommender.recommend_many(posts, k=15)
    assert together == [recommender.recommend(**post, k=15) for post in posts]
    assert together[0] == together[2] != together[1]
    assert {"mudflat", "eelgrass"} <= {one.hashtag for one in together[0]}


def test_effects_add_up_with_feedback_among_them(recommender):
    answer = recommender.recommend(**ASKED, explain=True)
    taken, *turned_down = [one.hashtag for one in answer]
    recommender.feedback(answer, user_id="user3", accepted=[taken], rejected=turned_down, added=["mudflat"])
    named = set()
    for one in recommender.recommend(**ASKED, k=12, explain=True):
        if one.sources[0].name != "popularity":
            log_odds = recommender.system.ranker.base + sum(source.effect for source in one.sources)
            assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(one.score, abs=2e-6)
            named |= {(one.hashtag, source.name) for source in one.sources}
    assert {("mudflat", "feedback"), (taken, "feedback"), (taken, "own")} <= named
