"""A memory of any size is filled with the same posts, earlier and earlier."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from data_loaders.posts import Post
from multimodal.baselines.user_habit import UserHabit
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.config_loading import validate_config

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench_hybrid

NEWEST = datetime(2024, 5, 1, tzinfo=timezone.utc)


def test_posts_are_repeated_earlier_and_by_other_users():
    system = UserHabit(validate_config({"system": "user_habit"}))
    system.start(HashtagIdMap(["tea"], [3]), 3)
    posts = [Post(post_id=f"p{i}", user_id="ann" if i else None, timestamp=NEWEST, hashtags=("tea",)) for i in range(3)]
    memory = bench_hybrid.filled(system, posts, 10)
    assert list(memory.post_ids) == [f"{number} p{i}" for number in range(3) for i in range(3)]
    assert list(memory.user_ids) == ["ann", "ann1", "ann2"]
    first, *_, last = memory.instants_us.tolist()
    assert last - first == timedelta(days=6) // timedelta(microseconds=1)


def test_posts_come_in_order_of_time_with_their_own_vectors():
    posts = [Post(post_id=f"p{days}", user_id="ann", timestamp=NEWEST - timedelta(days=days)) for days in (0, 7, 4)]
    memory = bench_hybrid.filled(_WithVectors(validate_config({"system": "user_habit"})), posts, 6)
    assert list(memory.post_ids) == ["0 p7", "0 p4", "1 p7", "1 p4", "0 p0", "1 p0"]
    assert memory.vectors.ravel().tolist() == [7, 4, 7, 4, 0, 0]
    assert (np.diff(memory.instants_us) >= 0).all()


class _WithVectors(UserHabit):
    """Encodes a post as the number in its id."""

    def new_memory(self) -> PostMemory:
        return PostMemory(HashtagIdMap([], []), width=1)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        memory.append(posts, np.array([[float(post.post_id[1:])] for post in posts], np.float32))
