"""Why a hashtag was recommended, in words."""

from __future__ import annotations

import pytest

from multimodal import Recommender
from multimodal.ranking.explanation import Source
from multimodal.ranking.recommendation import Recommendation
from multimodal.serving.page.known_posts import KnownPosts
from multimodal.serving.page.reasons import reasons


@pytest.fixture
def memory(page_runs):
    return Recommender.from_pretrained(page_runs["habit"]).memory


def hashtag(name, *sources):
    return Recommendation(hashtag=name, score=1.0, sources=sources)


def test_effects_are_shares_of_the_largest_and_small_ones_are_left_out(memory):
    answer = [
        hashtag("a", Source(name="words", effect=-4.0), Source(name="trends", effect=0.01)),
        hashtag("b", Source(name="mine", effect=1.0)),
    ]
    told = reasons(answer, memory, KnownPosts())
    assert [(one.label, one.effect, one.share) for one in told["a"]] == [("words of the caption", -4.0, -1.0)]
    assert [(one.label, one.share) for one in told["b"]] == [("the System “mine”", 0.25)]


def test_posts_stand_behind_them_however_small(memory):
    first, second = memory.post_ids[:2]
    answer = [
        hashtag("a", Source(name="own", effect=1e-6, posts=(first, "gone", second))),
        hashtag("b", Source(name="words", effect=1.0)),
    ]
    (own,) = reasons(answer, memory, KnownPosts())["a"]
    assert (own.label, [post.post_id for post in own.posts]) == ("the user’s earlier posts", [first, second])


def test_a_rule_moves_nothing_and_is_named(memory):
    (rule,) = reasons([hashtag("a", Source(name="always", effect=0.0))], memory, KnownPosts())["a"]
    assert (rule.label, rule.share) == ("the user’s rule: always", 0.0)


def test_a_system_that_cannot_say(memory):
    assert reasons([Recommendation(hashtag="a", score=1.0, sources=None)], memory, KnownPosts()) == {"a": []}
