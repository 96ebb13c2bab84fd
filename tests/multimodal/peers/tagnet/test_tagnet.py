"""TAGNet's graph: over pictures, strictly earlier, and growing without training."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import torch
from peer_systems import config_of, lists, memory_of, untrained

from data_loaders.errors import ConfigError, RunError
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run


def neighbours(system, posts, memory):
    """Ids of the neighbours of each post."""
    positions = system.scorer.datasets.dataset(posts, memory).neighbours.positions
    return [[memory.post_ids[one] for one in row if one >= 0] for row in positions]


def test_neighbours_have_similar_pictures_and_are_strictly_earlier(textured_data):
    system = untrained("tagnet", textured_data)
    memory, posts = memory_of(system, textured_data.posts), textured_data.posts
    pictured = {post.post_id for post in posts if post.image is not None}
    vectors = memory.vectors_at("image", np.arange(len(posts))).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    for row, found in enumerate(neighbours(system, posts, memory)):
        if posts[row].post_id not in pictured:
            assert found == []
            continue
        cosines = vectors @ vectors[row] / np.maximum(lengths * lengths[row], 1e-12)
        earlier = [other for other in range(row) if posts[other].post_id in pictured and cosines[other] > 0]
        best = sorted(earlier, key=lambda other: (-round(cosines[other], 5), -other))[:3]
        assert found == [posts[other].post_id for other in best]


def test_captions_and_hashtags_make_no_edge(textured_data):
    system = untrained("tagnet", textured_data)
    memory, questions = memory_of(system, textured_data.posts), textured_data.split("test")
    others = [replace(post, caption="sea", hashtags=()) for post in questions]
    assert neighbours(system, questions, memory) == neighbours(system, others, memory)


def test_the_graph_grows_without_training(textured_data):
    """Transductive versions know the nodes they were trained with, and no others."""
    system = untrained("tagnet", textured_data)
    memory = memory_of(system, textured_data.split("train"))
    asked = next(post for post in textured_data.split("test") if post.image is not None)
    before = list(system.rank([asked], memory, 9))
    new = replace(asked, post_id="new", user_id="stranger", timestamp=asked.timestamp - timedelta(minutes=1))
    assert "new" not in neighbours(system, [asked], memory)[0]
    system.add_posts(memory, [new])
    assert neighbours(system, [asked], memory)[0][0] == "new"
    assert list(system.rank([asked], memory, 9)) != before


def test_what_is_kept_of_a_post_is_made_of_the_post_alone(textured_data):
    system = untrained("tagnet", textured_data)
    posts = textured_data.posts
    together, late = memory_of(system, posts), memory_of(system, posts[::-1])
    np.testing.assert_allclose(late.vectors[::-1], together.vectors, atol=1e-6)
    alone = memory_of(system, [replace(posts[7], user_id="other", hashtags=("zen",))])
    np.testing.assert_allclose(alone.vectors[0], together.vectors[7], atol=1e-6)


def test_a_picture_that_is_dropped_has_no_neighbours(textured_data):
    system = untrained("tagnet", textured_data)
    network = system.network.eval()
    memory = memory_of(system, textured_data.posts)
    posts = [post for post in textured_data.split("test") if post.image is not None]
    dataset, everything = system.scorer.datasets.dataset(posts, memory), np.ones(len(posts), np.bool_)
    bank = torch.from_numpy(memory.vectors)
    dropped = dataset.batch(range(len(posts)), drop_image=everything)
    bare = replace(dropped, neighbours=torch.full_like(dropped.neighbours, -1))
    torch.testing.assert_close(network(dropped, bank), network(bare, bank))
    assert not torch.allclose(network(dataset.batch(range(len(posts))), bank), network(dropped, bank))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("graph.encoder=null", r"encoder.image is trained, so what it makes of pictures changes.*trainable=false"),
        ("graph.encoder.trainable=true", "graph.encoder is trained, so what it makes of pictures changes"),
        ("encoder.image=null", "encoder.image is null, but the graph of tagnet is over pictures"),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        config_of("tagnet", override)


def test_the_encoder_of_the_network_compares_pictures_if_it_is_frozen(textured_data):
    system = untrained("tagnet", textured_data, "graph.encoder=null", "encoder.image.trainable=false")
    assert system.pictures is None
    memory = memory_of(system, textured_data.posts)
    found = neighbours(system, textured_data.split("test"), memory)
    assert [bool(ids) for ids in found] == [post.image is not None for post in textured_data.split("test")]


def test_the_encoder_that_compares_is_kept_with_the_model(tiny_data, tmp_path):
    system = train_run(config_of("tagnet", "training.epochs=1"), tiny_data, tmp_path / "run").system
    loaded = load_model(tmp_path / "run").system
    for one, other in zip(loaded.pictures.parameters(), system.pictures.parameters(), strict=True):
        assert torch.equal(one, other)
    folder = tmp_path / "run" / "model"
    shutil.rmtree(folder / "graph_encoder")
    with pytest.raises(RunError, match="graph_encoder"):
        type(system).load(folder, system.config, system.id_map)


def test_without_any_picture_there_is_no_graph(tiny_data, tmp_path):
    posts = [replace(post, image=None) for post in tiny_data.posts]
    data = replace(tiny_data, posts=posts)
    system = train_run(config_of("tagnet", "training.epochs=1"), data, tmp_path / "run").system
    loaded = load_model(tmp_path / "run")
    assert (system.pictures, loaded.system.pictures) == (None, None)
    memory = memory_of(system, data.split("train"))
    assert memory.spaces == {}
    ranked = lists(system.rank(data.split("test"), memory, 5))
    assert ranked == lists(loaded.system.rank(data.split("test"), loaded.memory, 5))
