"""Right, relevant and wrong hashtags."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.serving.page.relevance import verdicts

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def memory_of(*lists):
    memory = PostMemory(HashtagIdMap())
    memory.append(
        [
            Post(post_id=f"p{number}", timestamp=START + timedelta(hours=number), hashtags=tuple(tags.split()))
            for number, tags in enumerate(lists)
        ]
    )
    return memory


def judged(hashtag, true, memory):
    (verdict,) = verdicts([hashtag], [true], memory)
    return verdict


def test_what_the_post_carries_is_right_whatever_was_posted():
    assert verdicts(["new", "sea"], ["sea", "new"], memory_of()) == ["right", "right"]


def test_used_together_counts_in_both_directions():
    # tide is always with the sea, which is mostly without it.
    memory = memory_of(*["sea tide"] * 3, *["sea sun"] * 17, *["tea"] * 30)
    assert judged("tide", "sea", memory) == judged("sea", "tide", memory) == "relevant"
    assert judged("tea", "sea", memory) == "wrong"


def test_two_posts_are_too_few():
    assert judged("tide", "sea", memory_of(*["sea tide"] * 2, *["tea"] * 30)) == "wrong"


def test_less_than_a_fifth_is_too_little():
    shared = ["sea tide"] * 3
    assert judged("tide", "sea", memory_of(*shared, *["sea"] * 12, *["tide"] * 12, *["tea"] * 200)) == "relevant"
    assert judged("tide", "sea", memory_of(*shared, *["sea"] * 13, *["tide"] * 13, *["tea"] * 200)) == "wrong"


def test_what_stands_under_everything_is_close_to_nothing():
    # Of the posts with the sea half carry love, as half of all posts do.
    assert judged("love", "sea", memory_of(*["sea love"] * 5, *["sea"] * 5, *["love"] * 20, *["tea"] * 20)) == "wrong"


def test_only_the_last_posts_count():
    early = ["sea tide"] * 50
    assert judged("tide", "sea", memory_of(*early, *["sea"] * 150, *["tea"] * 300)) == "relevant"
    assert judged("tide", "sea", memory_of(*early, *["sea tea", "tide tea"] * 200, *["tea"] * 300)) == "wrong"


@pytest.mark.parametrize(("one", "other"), [("sunset", "sunsets"), ("new_york", "newyork")])
def test_other_spellings_mean_the_same(one, other):
    assert judged(other, one, memory_of(one, other)) == "relevant"


def test_alike_in_spelling_but_not_in_use():
    memory = memory_of(*["winner prize"] * 9, *["dinner food"] * 9)
    assert judged("dinner", "winner", memory) == "wrong"


def test_hashtags_that_nobody_used():
    assert verdicts(["heard", "unheard"], ["never"], memory_of("heard")) == ["wrong", "wrong"]
