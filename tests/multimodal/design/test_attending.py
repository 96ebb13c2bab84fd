"""Where DESIGN looks."""

from __future__ import annotations

import pytest
import torch

from multimodal import Recommender
from multimodal.design.gate import image_weights
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run


def trained(tiny_data, folder, *changes):
    return train_run(load_config("debug", ["training.epochs=1", *changes]), tiny_data, folder).system


@pytest.fixture(scope="module")
def design(tiny_data, tmp_path_factory):
    return trained(tiny_data, tmp_path_factory.mktemp("attending") / "run")


def both(posts):
    return [post for post in posts if post.caption and post.image is not None]


def test_weights_are_those_by_which_the_content_is_summed(design, tiny_data):
    network, posts = design.network.eval(), both(tiny_data.posts)
    batch = design.scorer.datasets.content_dataset(posts).batch(range(len(posts)))
    with torch.no_grad():
        attended = network.attend(batch)
        words, mask = network.words(batch)
        regions, region_mask = network.regions(batch)
        text, image = network.interaction(network.word_attention(words, mask), mask, regions, region_mask)
    torch.testing.assert_close(torch.einsum("bp,bpd->bd", attended.regions, regions), image)
    # As a share: what the network sums to is not 1, for the words are scaled by their number.
    summed = torch.einsum("bt,btd->bd", attended.words, words)
    torch.testing.assert_close(torch.cosine_similarity(summed, text), torch.ones(len(posts)))
    torch.testing.assert_close(attended.words.sum(1), torch.ones(len(posts)))


def test_the_public_face_cleans_and_crops_as_ranking_does(design, tiny_data):
    recommender = Recommender(design, design.new_memory())
    (post, *_) = both(tiny_data.posts)
    told = recommender.attention(post.image, f"{post.caption} #sea @ann")
    assert "sea" not in told.words.text.split()[len(post.caption.split()) :]
    assert told.picture_weight == pytest.approx(float(image_weights(design, [post])[0]), abs=1e-5)
    side = len(told.picture.weights)
    assert told.picture.weights.shape == (side, side)
    # 24 x 20 pixels, of which the square in the middle is looked at.
    assert told.picture.seen == pytest.approx((2 / 24, 0.0, 22 / 24, 1.0), abs=0.03)


def test_nothing_is_weighed_without_a_gate(tiny_data, tmp_path):
    plain = trained(tiny_data, tmp_path / "run", "fusion.name=sum", "interaction={co_attention: false, dropout: 0.0}")
    (post, *_) = both(tiny_data.posts)
    told = plain.attention(post)
    assert told.picture_weight is None
    assert len(set(told.picture.weights.round(6).ravel().tolist())) == 1


def test_systems_without_a_network_cannot_say(tiny_data, tmp_path):
    habit = train_run(load_config("user_habit"), tiny_data, tmp_path / "run").system
    assert Recommender(habit, habit.new_memory()).attention(None, "the sea") is None
