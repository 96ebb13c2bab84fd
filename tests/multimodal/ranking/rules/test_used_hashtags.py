"""Hashtags that were used strictly before an instant."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rules.used_hashtags import FirstUses, own_hashtags

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def instant(hour):
    return Post(post_id="x", timestamp=START + timedelta(hours=hour)).instant_us


@pytest.fixture
def memory():
    memory = PostMemory(HashtagIdMap(["sea", "unused"], [2, 1]))
    rows = [
        ("ann", 0, ("sea",), "en"),
        ("ann", 1, ("sky", "sea"), "de"),
        ("bob", 2, ("sun",), None),
        ("ann", 3, ("tea",), "en"),
    ]
    posts = [
        Post(post_id=f"p{hour}", user_id=user, timestamp=START + timedelta(hours=hour), hashtags=tags)
        for user, hour, tags, _ in rows
    ]
    memory.append(posts, languages=[language for *_, language in rows])
    return memory


def test_own_ones_the_newest_first(memory):
    assert own_hashtags(memory, "ann", instant(9)) == ["tea", "sky", "sea"]
    assert own_hashtags(memory, "ann", instant(3)) == ["sky", "sea"]
    assert own_hashtags(memory, "ann", instant(0)) == []
    assert own_hashtags(memory, "nobody", instant(9)) == own_hashtags(memory, None, instant(9)) == []


def test_of_users_with_long_histories(memory):
    posts = [
        Post(post_id=f"q{i}", user_id="cem", timestamp=START + timedelta(days=1, minutes=i), hashtags=(f"own{i}",))
        for i in range(1_100)
    ]
    memory.append(posts)
    assert own_hashtags(memory, "cem", instant(999)) == [f"own{i}" for i in reversed(range(1_100))]


def test_of_anybody(memory):
    uses = FirstUses(memory)
    assert [uses.is_before(tag, instant(2)) for tag in ("sea", "sky", "sun", "tea", "unused", "unheard")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert sorted(uses.not_before(instant(2))) == ["sun", "tea", "unused"]


def test_of_a_language(memory):
    assert sorted(FirstUses(memory, "en").not_before(instant(9))) == ["sky", "sun", "unused"]
    assert FirstUses(memory, "de").is_before("sea", instant(2))
    assert len(FirstUses(memory, "fr").not_before(instant(9))) == 5


def test_what_was_withdrawn_was_not_used(memory):
    memory.withdraw(["p2"])
    assert not FirstUses(memory).is_before("sun", instant(9))
