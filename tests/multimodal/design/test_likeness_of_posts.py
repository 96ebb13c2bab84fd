"""Neighbours by words, by vectors of captions and pictures, or by a mix of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data_loaders.errors import ConfigError
from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.search.likeness import Likeness
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system
from multimodal.training.run import train_run

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"
SENTENCES = ["history.encoder.name=small", "history.encoder.width=8", "history.encoder.trainable=false"]
KINDS = {
    "mixed": ["history.likeness=mixed", "history.power=4", "history.bigrams=0.5", *SENTENCES],
    "own encoder": ["history.likeness={words: 0.3, caption: 0.7}", "encoder.caption.trainable=false"],
    "picture": ["history.likeness={words: 1, image: 2}", "encoder.image.trainable=false"],
    "vectors alone": ["history.likeness={caption: 1}", *SENTENCES],
    "cached": ["history.likeness=mixed", "encoder.caption.trainable=false"],
}


def make_system(data, overrides):
    torch.manual_seed(3)
    system = DesignSystem(load_config(DEBUG, overrides))
    system.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
    captions = cleaned_captions(data.split("train"), system.config.caption_profile)
    system.build(captions, True)
    system.alpha = 0.5
    return system


def remembering(system, posts):
    memory = system.new_memory()
    system.add_posts(memory, posts)
    return memory


def slow_similarity(system, post, memory, position):
    """The similarity of a post to a remembered one, from their vectors."""
    datasets, weights, one = system.scorer.datasets, system.config.history.weights, np.array([position])
    vectors, total = datasets.space_vectors([post], datasets.inputs([post])), 0.0
    for space, weight in weights.items():
        if space == "words":
            value = float((datasets.term_vectors([post]) @ memory.terms_at(one).T).toarray()[0, 0])
        else:
            asked, known = vectors[space][0].astype(float), memory.vectors_at(space, one)[0].astype(float)
            value = asked @ known / max(np.linalg.norm(asked) * np.linalg.norm(known), 1e-12)
        total += weight * max(value, 0)
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_are_the_most_alike_of_the_earlier_posts(tiny_data, kind):
    system = make_system(tiny_data, KINDS[kind])
    memory = remembering(system, tiny_data.posts[:50])
    config = system.config.history
    likeness = Likeness(config.weights, config.power, config.neighbour_decay)
    dataset = system.scorer.datasets.dataset(tiny_data.posts[40:60], memory)
    for row, post in enumerate(tiny_data.posts[40:60]):
        earlier = np.flatnonzero(memory.instants_us < post.instant_us)
        similarity = np.array([slow_similarity(system, post, memory, position) for position in earlier])
        values = likeness.values(np.round(similarity, 5), memory.instants_us[earlier], post.instant_us)
        found, given = dataset.neighbours.positions[row], dataset.neighbours.similarity[row]
        best = np.sort(values[values > 0])[::-1][: config.neighbours]
        at = [int(np.flatnonzero(earlier == position)[0]) for position in found if position >= 0]
        np.testing.assert_allclose(values[at], best, rtol=1e-3)
        np.testing.assert_allclose(given[: len(at)], similarity[at], atol=2e-5)
        for column, position in enumerate(dataset.history.positions[row]):
            if position >= 0:
                expected = slow_similarity(system, post, memory, position)
                assert dataset.history.similarity[row, column] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_posts_that_a_network_learns_from_are_strictly_earlier_and_equal_those_it_is_asked_with(tiny_data, kind):
    system = make_system(tiny_data, KINDS[kind])
    train = tiny_data.split("train")
    learner = DesignLearner(system.config, system.scorer, system.id_map, train, tiny_data.split("validation"))
    dataset = learner._data.train
    positions = dataset.neighbours.positions
    instants = np.array([post.instant_us for post in train])
    for asked_us, row in zip(dataset.instants_us, positions, strict=True):
        assert (instants[row[row >= 0]] < asked_us).all()
    assert (positions >= 0).any()
    labelled = [post for post in train if set(post.hashtags) & set(tiny_data.vocabulary.hashtags)]
    asked = system.scorer.datasets.dataset(labelled, remembering(system, train))
    assert np.mean(asked.neighbours.positions == positions) > 0.99


@pytest.mark.parametrize("kind", ["mixed", "picture"])
def test_alone_as_in_a_batch(tiny_data, kind):
    system = make_system(tiny_data, KINDS[kind])
    memory = remembering(system, tiny_data.posts[:60])
    posts = tiny_data.posts[50:66]
    together = system.rank(posts, memory, 4)
    for ranking, post in zip(together, posts, strict=True):
        (alone,) = system.rank([post], memory, 4)
        assert [score for _, score in alone] == pytest.approx([score for _, score in ranking], abs=1e-4)


def test_a_post_without_caption_or_picture_has_zeros_there(tiny_data):
    system = make_system(
        tiny_data, ["history.likeness={caption: 1, image: 1}", "encoder.image.trainable=false", *SENTENCES]
    )
    pictured = next(post for post in tiny_data.posts if post.image is not None and post.caption)
    memory = remembering(system, [replace(pictured, caption=None), replace(pictured, post_id="other", image=None)])
    for space, (with_it, without) in {"image": (0, 1), "caption": (1, 0)}.items():
        vectors = memory.vectors_at(space, np.array([with_it, without]))
        assert vectors[0].any()
        assert not vectors[1].any()


def test_a_saved_model_answers_as_before_and_only_then_has_the_encoder(tiny_data, tmp_path):
    trained = train_run(load_config(DEBUG, [*KINDS["mixed"], "training.epochs=1"]), tiny_data, tmp_path / "run")
    assert (trained.run.model / "sentence_encoder" / "weights.safetensors").is_file()
    loaded = get_system("design").load(trained.run.model, trained.system.config, trained.system.id_map)
    posts = tiny_data.split("test")
    answers = []
    for system in (trained.system, loaded):
        memory = remembering(system, tiny_data.split("train"))
        assert memory.spaces == {"caption": 8}
        ranked = system.rank(posts, memory, 5)
        answers.append((ranked.indices.tolist(), ranked.scores.tolist()))
    assert answers[0] == answers[1]


def test_spaces_that_the_data_do_not_fill_are_left_out(tiny_data):
    system = make_system(tiny_data, KINDS["picture"])
    system.build(["a walk"], pictured=False)
    assert system.new_memory().spaces == {}
    assert system.scorer.datasets.likeness.weights == {"words": 1}


def test_the_default_is_words_alone(tiny_data):
    system = make_system(tiny_data, [])
    assert system.scorer.datasets.likeness == Likeness({"words": 1.0}, 1, 0.2)
    assert system.new_memory().spaces == {}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["history.likeness=mixed"],
            "encoder.caption is trained, so its vectors change while the network learns; set enc",
        ),
        (["history.likeness={image: 1}"], r"encoder.image is trained.*set encoder.image.trainable=false$"),
        (["history.likeness={image: 1}", "encoder.image=null"], "encoder.image is null; leave 'image' out"),
        (
            ["history.likeness={content: 1}"],
            r"'content' is not a space.*\(words, caption, image\); the content vectors",
        ),
        (["history.likeness={sound: 1}"], r"'sound' is not a space to compare posts in \(words, caption, image\)"),
        (["history.likeness={words: 0}"], "no space has a weight above 0"),
        (["history.likeness={words: -1}"], "the weight of 'words' is -1"),
        (["history.likeness=mixed", "history.encoder.name=small"], "this encoder is never trained; give `pretrained`"),
        (SENTENCES, "history.encoder is used by history.likeness=mixed or one with a weight of `caption` only"),
    ],
)
def test_what_cannot_be_compared_is_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_config(DEBUG, overrides)
