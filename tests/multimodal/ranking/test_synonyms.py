"""Hashtags that mean the same."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.reranking import Reranking, reordered
from multimodal.ranking.synonyms import one_of_each, same_words, spelled_alike

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
ROWS = [
    ("ann", ("sunset", "beach", "sea")),
    ("bob", ("sunsets", "beach", "sea")),
    ("bob", ("throwback", "old")),
    ("bob", ("throwbcak", "old")),
    ("ann", ("marine", "navy")),
    ("ann", ("marinel", "cooking")),
    ("cem", ("sunset", "sunsets")),
]


@pytest.fixture
def memory():
    memory = PostMemory(HashtagIdMap())
    posts = [
        Post(post_id=f"p{hour}", user_id=user, timestamp=START + timedelta(hours=hour), hashtags=tags)
        for hour, (user, tags) in enumerate(ROWS)
    ]
    memory.append(posts)
    return memory


def post(user="dot", hour=99):
    return Post(post_id="x", user_id=user, timestamp=START + timedelta(hours=hour))


def left(memory, hashtags, user="dot", hour=99):
    stays = one_of_each(hashtags, memory, user, post(hour=hour).instant_us)
    return [hashtag for hashtag, kept in zip(hashtags, stays, strict=True) if kept]


@pytest.mark.parametrize(
    ("first", "second", "alike", "same"),
    [
        ("new_york", "newyork", True, True),
        ("sunset", "sunsets", True, True),
        ("beach", "beaches", True, True),
        ("city", "cities", True, True),
        ("throwback", "throwbcak", True, False),
        ("color", "colour", True, False),
        ("day1", "day2", False, False),
        ("summer2023", "summer2024", False, False),
        ("sea", "tea", False, False),
        ("sea", "seas", True, True),
        ("as", "ass", False, False),
        ("london", "paris", False, False),
        ("日本", "日本", True, True),
    ],
)
def test_spelling(first, second, alike, same):
    for one, other in ((first, second), (second, first)):
        assert spelled_alike(one, other) is alike
        assert same_words(one, other) is same


def test_the_first_of_those_that_mean_the_same_stays(memory):
    assert left(memory, ["sunsets", "sea", "sunset", "throwback", "throwbcak"]) == ["sunsets", "sea", "throwback"]


def test_those_that_are_used_otherwise_stay_both(memory):
    assert left(memory, ["marine", "marinel"]) == ["marine", "marinel"]


def test_those_that_the_user_pairs_stay_both(memory):
    assert left(memory, ["sunset", "sunsets"], "cem") == ["sunset", "sunsets"]
    assert left(memory, ["sunset", "sunsets"], "cem", hour=6) == ["sunset"]


def test_only_earlier_posts_tell_how_they_are_used(memory):
    assert left(memory, ["throwback", "throwbcak"], hour=3) == ["throwback", "throwbcak"]
    assert left(memory, ["throwback", "throwbcak"], hour=4) == ["throwback"]


def test_unheard_ones_are_told_by_their_words_alone(memory):
    assert left(memory, ["new_york", "newyork", "newyorl"]) == ["new_york", "newyorl"]


def test_a_list_that_would_be_short_is_filled_with_what_was_left_out(memory):
    ranking = [("sunset", 0.9), ("sunsets", 0.8), ("sea", 0.1)]
    settings = Reranking(one_of_each=True)
    assert reordered(ranking, settings, memory, post(), 2) == [("sunset", 0.9), ("sea", 0.1)]
    assert reordered(ranking, settings, memory, post(), 3) == [("sunset", 0.9), ("sea", 0.1), ("sunsets", 0.8)]
    assert reordered(ranking, Reranking(), memory, post(), 3) == ranking
