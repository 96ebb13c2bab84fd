"""Recent use against a slow loop; nothing but what came strictly before."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from data_loaders.posts import NOW_US, Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.recency import decayed_uses, recency_lift, used_within

START = datetime(2024, 3, 1, tzinfo=timezone.utc)
NAMES = ["sea", "sky", "sun", "tea"]
DAY_US = 86_400_000_000


def post(number, hashtags, hours):
    timestamp = None if hours is None else START + timedelta(hours=hours)
    return Post(post_id=f"p{number}", user_id="u", timestamp=timestamp, hashtags=tuple(hashtags), sequence=number)


def memory_of(posts):
    memory = PostMemory(HashtagIdMap(NAMES, [4, 3, 2, 1]))
    memory.append(posts)
    return memory


def instants(*hours):
    return np.array([post(0, (), one).instant_us for one in hours], np.int64)


@pytest.fixture(scope="module")
def many():
    draw = random.Random(3)
    posts = [post(i, draw.sample([*NAMES, "new"], draw.randint(0, 3)), draw.choice(range(200))) for i in range(150)]
    return [*posts, post(900, ["tea"], None)]


def slow_uses(posts, asked_us, half_life):
    sums = np.zeros(len(NAMES))
    for one in posts:
        if one.instant_us < asked_us:
            for name in set(one.hashtags) & set(NAMES):
                sums[NAMES.index(name)] += 2.0 ** (-(asked_us - one.instant_us) / DAY_US / half_life)
    return sums


@pytest.mark.parametrize("half_life", [0.05, 1.0, 30.0])
def test_decayed_uses_equal_a_slow_loop_in_any_order_and_alone(many, half_life):
    memory = memory_of(many)
    asked = instants(199, 0, 57, 57, 120.5, 400, -3)
    found = decayed_uses(memory, asked, len(NAMES), half_life)
    np.testing.assert_allclose(found, [slow_uses(many, one, half_life) for one in asked], rtol=1e-9, atol=1e-12)
    alone = np.concatenate([decayed_uses(memory, asked[[row]], len(NAMES), half_life) for row in range(len(asked))])
    np.testing.assert_allclose(alone, found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("days", [0.1, 2.0])
def test_used_within_equals_a_slow_loop(many, days):
    asked = instants(199, 57, 0, 199.5)
    expected = [
        [any(name in one.hashtags and 0 < when - one.instant_us <= days * DAY_US for one in many) for name in NAMES]
        for when in asked
    ]
    found = used_within(memory_of(many), asked, len(NAMES), days)
    assert found.tolist() == expected
    assert 0 < found.mean() < 1


def test_an_equal_instant_is_not_earlier():
    memory = memory_of([post(1, ["sea"], 5), post(2, ["sky"], 6)])
    assert decayed_uses(memory, instants(6), 4, 1.0)[0].tolist() == pytest.approx([2 ** (-1 / 24), 0, 0, 0])
    assert used_within(memory, instants(6, 5), 4, 1.0).tolist() == [[True, *[False] * 3], [False] * 4]


def test_now_is_after_everything_and_an_undated_use_is_forgotten():
    memory = memory_of([post(1, ["sea"], None), post(2, ["sky"], 6)])
    now = np.array([NOW_US])
    np.testing.assert_allclose(decayed_uses(memory, now, 4, 1.0), [[0, 1, 0, 0]], atol=1e-6)
    assert used_within(memory, now, 4, 1.0).tolist() == [[False, True, False, False]]


def test_without_any_dates_every_use_counts_alike():
    posts = [post(number, [name], None) for number, name in enumerate(["sea", "sea", "tea", "sky"])]
    asked = np.array([posts[3].instant_us])
    np.testing.assert_allclose(decayed_uses(memory_of(posts), asked, 4, 1.0), [[2, 0, 0, 1]], rtol=1e-6)


def test_nothing_remembered_and_nothing_asked():
    empty = memory_of([])
    assert not decayed_uses(empty, instants(1, 2), 4, 1.0).any()
    assert not used_within(empty, instants(1, 2), 4, 1.0).any()
    assert decayed_uses(memory_of([post(1, ["sea"], 5)]), instants(), 4, 1.0).shape == (0, 4)


def test_lift_compares_with_the_share_in_training():
    shares = np.array([0.5, 0.25, 0.25])
    assert recency_lift(np.zeros((1, 3)), shares, 2.0).tolist() == [[1.0, 1.0, 1.0]]
    # as in training, whatever the amount
    np.testing.assert_allclose(recency_lift(40 * shares[None], shares, 1.0), np.ones((1, 3)))
    np.testing.assert_allclose(
        recency_lift(np.array([[0.0, 8.0, 0.0]]), shares, 1.0), [[1 / 5, 9 / 3, 1 / 3]]
    )  # fmt: skip
