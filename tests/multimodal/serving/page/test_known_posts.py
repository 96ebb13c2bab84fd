"""Posts as the page shows them."""

from __future__ import annotations

import pytest

from multimodal import Recommender
from multimodal.serving.page.known_posts import KnownPosts, frequent_users


@pytest.fixture
def memory(page_runs):
    return Recommender.from_pretrained(page_runs["habit"])


def test_a_post_with_and_without_the_prepared_folder(memory, page_data):
    first = page_data.split("train")[0]
    shown = KnownPosts(page_data).shown(first.post_id, memory.memory)
    assert (shown.user_id, shown.day, shown.caption) == (first.user_id, "2024-01-01", first.caption)
    assert shown.hashtags == first.hashtags
    assert shown.picture.startswith("data:image/jpeg;base64,")
    bare = KnownPosts().shown(first.post_id, memory.memory)
    assert (bare.user_id, bare.hashtags, bare.caption, bare.picture) == (first.user_id, first.hashtags, "", None)


def test_what_was_withdrawn_or_never_there_is_not_shown(memory, page_data):
    known, first = KnownPosts(page_data), page_data.split("train")[0]
    memory.withdraw(first.post_id)
    assert known.shown(first.post_id, memory.memory) is None
    assert known.shown("nobody's", memory.memory) is None


def test_forgotten_users_are_not_offered(memory):
    before = frequent_users(memory.memory)
    counts = [sum(memory.memory.user_ids[user] == name for user in memory.memory.users) for name in before]
    assert counts == sorted(counts, reverse=True)
    memory.forget(before[0])
    assert set(frequent_users(memory.memory)) == set(before[1:])


def test_an_observed_post_that_the_folder_lacks(memory, page_data):
    memory.observe({"post_id": "new", "hashtags": ["lowtide"]})
    shown = KnownPosts(page_data).shown("new", memory.memory)
    assert (shown.user_id, shown.hashtags, shown.caption, shown.picture) == (None, ("lowtide",), "", None)


def test_examples_are_test_posts(page_data):
    assert {post.post_id for post in KnownPosts(page_data).examples} == {
        post.post_id for post in page_data.split("test")
    }
    assert KnownPosts().examples == []
