"""Learning how near posts are to hashtags as texts, forward in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from data_loaders.posts import Post
from multimodal.hybrid.texts import head as heads
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.vectors import posts_means, unit
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.questions.postings import Found

START = datetime(2024, 5, 1, tzinfo=timezone.utc)
WIDTH, TOPICS = 8, 4


class Vectors:
    """Words of a hashtag say its topic, in other directions than posts do."""

    width = WIDTH

    def of(self, hashtags):
        rows = np.zeros((len(hashtags), WIDTH), np.float32)
        rows[np.arange(len(hashtags)), [int(one[1]) + TOPICS for one in hashtags]] = 1
        return rows


def stream(count, seed=0):
    """Posts of a topic each, with the hashtags of the topic, and their vectors."""
    draw = np.random.default_rng(seed)
    topics = np.arange(count) % TOPICS
    vectors = draw.normal(scale=0.2, size=(count, WIDTH)).astype(np.float32)
    vectors[np.arange(count), topics] += 1
    posts = [
        Post(post_id=f"p{number}", timestamp=START + timedelta(hours=number), hashtags=(f"t{topic}", f"t{topic}x"))
        for number, topic in enumerate(topics.tolist())
    ]
    return posts, vectors


def memory_of(posts, vectors):
    memory = PostMemory(HashtagIdMap(["t0"], [1]), spaces={"caption": WIDTH})
    memory.append(posts, None, None, {"caption": vectors})
    return memory


def fitted(posts, vectors, stop):
    return TextHead.fit(memory_of(posts, vectors), "caption", Vectors(), stop, last=5)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(heads, "_BATCH", 16)
    monkeypatch.setattr(heads, "_RATE", 0.05)


def test_words_that_never_stood_in_a_caption_are_learned():
    posts, vectors = stream(240)
    head = fitted(posts, vectors, 240)
    asked, hashtags = np.eye(WIDTH, dtype=np.float32)[:TOPICS], [f"t{topic}" for topic in range(TOPICS)]
    rows, nothing = np.arange(TOPICS), np.zeros((TOPICS, WIDTH), np.float32)
    words = Vectors().of(hashtags)
    right = head.scores(asked, rows, words, nothing)
    wrong = head.scores(asked, rows, np.roll(words, 1, axis=0), nothing)
    assert (right > wrong + 0.5).all()


def test_later_posts_change_nothing():
    posts, vectors = stream(120)
    one = fitted(posts, vectors, 80)
    changed = [*posts[:80], *(replace(post, hashtags=("t1", "t2y")) for post in posts[80:])]
    other = fitted(changed, np.concatenate([vectors[:80], -vectors[80:]]), 80)
    assert one.words.tobytes() == other.words.tobytes()
    assert one.posts.tobytes() == other.posts.tobytes()
    earlier = fitted(posts, vectors, 60)
    assert earlier.words.tobytes() != one.words.tobytes()


def test_only_the_last_posts_are_learned_from(monkeypatch):
    monkeypatch.setattr(heads, "MOST_POSTS", 32)
    posts, vectors = stream(64)
    one = fitted(posts, vectors, 64)
    # The last five posts of each topic before the 32nd are no earlier than the twelfth.
    for first, same in ((12, True), (13, False)):
        changed = np.concatenate([-vectors[:first], vectors[first:]])
        assert (fitted(posts, changed, 64).words.tobytes() == one.words.tobytes()) is same


@pytest.mark.parametrize("count", [0, 1, 16])
def test_nothing_to_learn_from_leaves_vectors_as_they_are(count):
    head = fitted(*stream(count), count)
    assert np.allclose(head.words, np.eye(WIDTH) * np.exp(2.0))
    assert np.array_equal(head.words, head.posts)


def test_of_many_hashtags_some_are_compared(monkeypatch):
    monkeypatch.setattr(heads, "_MOST_HASHTAGS", 3)
    draw = np.random.default_rng(0)
    compared = heads._compared(np.arange(0, 40, 2), np.array([4, 8]), draw)
    assert {4, 8} <= set(compared.tolist()) <= set(range(0, 40, 2))
    assert len(compared) <= 5
    assert heads._compared(np.arange(3), np.array([1]), draw).tolist() == [0, 1, 2]


def test_means_of_posts_by_hand():
    posts, vectors = stream(6)
    memory = memory_of(posts, vectors)
    found = Found(np.array([0, 0, 2]), np.array([4, 1, 4]))
    means = posts_means(memory, "caption", found, 3)
    units = unit(vectors)
    assert np.allclose(means[0], unit((units[4] + units[1])[None])[0])
    assert not means[1].any()
    assert np.allclose(means[2], units[4])
    assert posts_means(memory, "caption", Found(*np.empty((2, 0), np.int64)), 2).tolist() == [[0.0] * WIDTH] * 2
