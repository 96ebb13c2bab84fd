"""A memory of any size is filled with the same posts, earlier and earlier."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from data_loaders.posts import Post
from multimodal.baselines.user_habit import UserHabit
from multimodal.memory.hashtag_id_map import HashtagIdMap
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
