"""Samples of earlier posts: strictly earlier, the same whatever else is asked or comes later, and fair."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.peers.macon.config import HabitConfig
from multimodal.peers.macon.sampling import question_keys, sampled_history

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
STRATEGIES = ["user_random", "community_random", "user_temporal"]
strategies = pytest.mark.parametrize("sampling", STRATEGIES)


def post(number, user="ann", hashtags=("sea",), hours=None):
    instant = START + timedelta(hours=number if hours is None else hours)
    return Post(post_id=f"p{number}", user_id=user, timestamp=instant, hashtags=hashtags)


def some_posts(count=40):
    users, tags = ("ann", "bob", "cat"), ("sea", "sky", "tea", "run")
    return [post(i, users[i % 3], (tags[i % 4], tags[i // 5 % 4])) for i in range(count)]


def remember(posts):
    memory = PostMemory(HashtagIdMap())
    memory.append(posts)
    return memory


def sample(memory, asked, seed=0, **settings):
    """Ids of the sample of each post."""
    instants = np.array([one.instant_us for one in asked], np.int64)
    config = HabitConfig(**{"posts": 4, **settings})
    found = sampled_history(memory, [one.user_id for one in asked], instants, config, seed)
    assert found.shape == (len(asked), config.posts)
    return [[memory.post_ids[position] for position in row if position >= 0] for row in found]


@strategies
def test_strictly_earlier_newest_first_and_each_once(sampling):
    posts = some_posts()
    for asked, ids in zip(posts, sample(remember(posts), posts, sampling=sampling), strict=True):
        numbers = [int(one[1:]) for one in ids]
        assert all(number < int(asked.post_id[1:]) for number in numbers)
        assert numbers == sorted(set(numbers), reverse=True)


@strategies
def test_the_same_instant_is_not_earlier(sampling):
    memory = remember([post(0), post(1, hours=5), post(2, hours=5)])
    assert sample(memory, [post(3, hours=5)], sampling=sampling) == [["p0"]]


@strategies
def test_alone_as_in_a_batch(sampling):
    posts = some_posts()
    memory = remember(posts)
    together = sample(memory, posts, sampling=sampling)
    assert together == [sample(memory, [one], sampling=sampling)[0] for one in posts]
    assert together[::-1] == sample(memory, posts[::-1], sampling=sampling)


@strategies
def test_later_posts_and_the_order_of_coming_change_nothing(sampling):
    posts = some_posts()
    asked = [post(99, user, hours=20) for user in ("ann", "bob", "cat")]
    expected = sample(remember(posts[:20]), asked, sampling=sampling)
    for other in (posts, posts[20:] + posts[:20], posts[:20][::-1] + posts[20:]):
        assert sample(remember(other), asked, sampling=sampling) == expected


@strategies
def test_what_was_withdrawn_is_not_drawn_and_gives_room_to_others(sampling):
    posts = some_posts()
    memory = remember(posts)
    gone = {one.post_id for one in posts[3:30:4]}
    memory.withdraw(gone)
    left = remember([one for one in posts if one.post_id not in gone])
    assert sample(memory, posts[30:], sampling=sampling) == sample(left, posts[30:], sampling=sampling)


@strategies
def test_unknown_users_have_no_sample(sampling):
    memory = remember(some_posts())
    asked = [post(50, "nobody"), post(50, None)]
    assert sample(memory, asked, sampling=sampling) == [[], []]


def test_user_temporal_is_the_newest_and_user_random_any_of_the_user():
    posts = [post(i, "ann" if i % 2 else "bob") for i in range(30)]
    memory, asked = remember(posts), [post(40 + i) for i in range(20)]
    assert sample(memory, asked, sampling="user_temporal") == [["p29", "p27", "p25", "p23"]] * 20
    drawn = sample(memory, asked, sampling="user_random")
    assert {one for ids in drawn for one in ids} == {f"p{i}" for i in range(1, 30, 2)}
    assert all(len(ids) == 4 for ids in drawn)
    recent = sample(memory, asked, sampling="user_random", candidates=6)
    assert {one for ids in recent for one in ids} == {"p29", "p27", "p25", "p23", "p21", "p19"}


def test_a_community_are_the_posts_of_anybody_with_the_users_most_used_hashtags():
    posts = [
        post(0, "ann", ("sea", "tea")),
        post(1, "ann", ("sea",)),
        post(2, "bob", ("sea",)),
        post(3, "bob", ("tea",)),
    ]
    posts += [post(4, "cat", ("run",)), post(5, None, ("sea", "run"))]
    memory, asked = remember(posts), [post(9, "ann")]
    assert sample(memory, asked, sampling="community_random", posts=9) == [["p5", "p3", "p2", "p1", "p0"]]
    assert sample(memory, asked, sampling="community_random", posts=9, hashtags=1) == [["p5", "p2", "p1", "p0"]]
    newest = sample(memory, asked, sampling="community_random", posts=9, hashtags=1, candidates=2)
    assert newest == [["p5", "p2"]]


@pytest.mark.parametrize("sampling", STRATEGIES[:2])
def test_draws_are_fair_and_follow_the_seed(sampling):
    memory = remember([post(i, "ann") for i in range(12)])
    asked = [post(100 + i) for i in range(600)]
    drawn = sample(memory, asked, sampling=sampling, posts=3)
    counts = Counter(one for ids in drawn for one in ids)
    assert sum(counts.values()) == 1_800
    assert all(110 < counts[f"p{i}"] < 190 for i in range(12))  # 150 expected, standard deviation 10.6
    assert sample(memory, asked, sampling=sampling, posts=3, seed=1) != drawn


def test_many_questions_are_asked_in_parts():
    memory = remember([post(i, "ann") for i in range(12)])
    asked = [post(100 + i) for i in range(2_100)]
    alone = [sample(memory, [asked[i]], sampling="user_random")[0] for i in (0, 1_023, 1_024, 2_099)]
    together = sample(memory, asked, sampling="user_random")
    assert [together[i] for i in (0, 1_023, 1_024, 2_099)] == alone


def test_no_user_is_not_a_user_named_none_and_surrogates_are_hashed():
    keys = question_keys([None, "None", "\ud800", "a"], np.zeros(4, np.int64), 0)
    assert len(set(keys.tolist())) == 4
