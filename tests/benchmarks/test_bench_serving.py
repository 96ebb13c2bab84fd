"""The load generator counts what the service answers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from data_loaders.posts import Post
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import bench_serving  # noqa: E402


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    class Data:
        folder, fingerprint = Path(), "made"

        def __init__(self):
            from data_loaders.prepare.vocabulary import Vocabulary

            self.posts = [
                Post(
                    post_id=f"p{n}",
                    user_id=f"u{n % 3}",
                    timestamp=None,
                    caption="sea",
                    image=None,
                    hashtags=("sea", "sky"),
                )
                for n in range(30)
            ]
            self.vocabulary = Vocabulary.from_posts([post.hashtags for post in self.posts], 2)

        def split(self, name):
            return self.posts[:24] if name == "train" else self.posts[24:]

    folder = tmp_path_factory.mktemp("bench") / "habit"
    train_run(validate_config({"system": "user_habit"}), Data(), folder)
    return folder


def test_loads_and_counts(run):
    service = bench_serving.Service(str(run))
    try:
        good = bench_serving.request("/recommend", {"user_id": "u1", "k": 1})
        bad = bench_serving.request("/recommend", {"user_id": "u1", "k": 0})

        async def load():
            client = bench_serving.Client(service.port)
            seconds, statuses = await bench_serving.closed_loop(client, [good, bad] * 10, 4)
            latencies, others, later = await bench_serving.open_loop(client, [good] * 5 + [bad], 1_000.0)
            return seconds, statuses, latencies, others, later

        seconds, statuses, latencies, others, later = asyncio.run(load())
        assert seconds > 0
        assert statuses == {200: 10, 422: 10}
        assert len(latencies) == 5
        assert (others, later) == ({200: 5, 422: 1}, {"missing"})
        assert service.resident_mib() > 1
    finally:
        service.close()
