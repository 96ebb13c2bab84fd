"""What brought a hashtag in DESIGN."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def design(tiny_data, tmp_path_factory):
    config = load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"])
    return train_run(config, tiny_data, tmp_path_factory.mktemp("explained") / "run").system


@pytest.fixture
def memory(design, tiny_data):
    memory = design.new_memory()
    design.add_posts(memory, tiny_data.posts)
    return memory


def test_the_effects_add_up_to_the_log_odds(design, memory, tiny_data):
    posts = tiny_data.split("test")
    rankings = design.rank(posts, memory, 6)
    explained = design.explain(posts, rankings, memory)
    dataset, bank = design.scorer.datasets.dataset(posts, memory), design.scorer.bank(memory)
    with torch.no_grad():
        output = design.network(*bank.place(dataset.batch(range(len(posts)))))
    columns = output.columns.indices().tolist()
    for row, sources in enumerate(explained):
        for hashtag, found in zip(rankings.indices[row].tolist(), sources, strict=True):
            expected = float(output.logits[row, columns.index(hashtag)])
            assert sum(source.effect for source in found) == pytest.approx(expected, abs=1e-3)


def test_the_posts_behind_carry_the_hashtag_and_own_ones_are_the_users(design, memory, tiny_data):
    posts = [post for post in tiny_data.split("test") if post.user_id is not None]
    rankings = design.rank(posts, memory, 6)
    named = set()
    for post, ranking, sources in zip(posts, rankings, design.explain(posts, rankings, memory), strict=True):
        for (hashtag, _), found in zip(ranking, sources, strict=True):
            for source in found:
                named.add(source.name)
                behind = [memory.position_of(post_id) for post_id in source.posts]
                assert all(memory.id_map.find(hashtag) in memory.hashtags_of(at) for at in behind)
                if source.name == "own":
                    assert {memory.user_ids[memory.users[at]] for at in behind} == {post.user_id}
    assert {"own", "caption", "picture", "content"} <= named


def test_a_batch_is_explained_as_one_by_one(design, memory, tiny_data):
    posts = tiny_data.split("test")[:4]
    together = design.explain(posts, design.rank(posts, memory, 3), memory)
    for post, sources in zip(posts, together, strict=True):
        (alone,) = design.explain([post], design.rank([post], memory, 3), memory)
        for found, expected in zip(alone, sources, strict=True):
            assert [source.posts for source in found] == [source.posts for source in expected]
            assert [source.effect for source in found] == pytest.approx([one.effect for one in expected], abs=1e-4)
