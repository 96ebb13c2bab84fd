"""`hmemn2n`: it learns to name what the user's own earlier posts hold."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import torch

from data_loaders.errors import DataError, RunError
from data_loaders.posts import Post
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.captions.hmemn2n.remembered_words import words_at
from multimodal.encoders import load_caption_encoder
from multimodal.systems.config_loading import validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TAGS = ("sea", "sky", "sun", "tea", "cat", "dog")
SMALL = {
    "system": "hmemn2n",
    "encoder": {"width": 24},
    "hops": 2,
    "history_posts": 4,
    "history_words": 6,
    "dropout": 0.0,
    "training": {"epochs": 15, "batch_size": 32, "learning_rate": 0.02, "patience": 15},
}


@dataclass
class Users:
    """Every user has one hashtag and captions that do not say which."""

    fingerprint = "made up"

    folder: Path
    posts: list[Post] = field(init=False)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self):
        draw = random.Random(0)
        self.posts = []
        for number in range(420):
            user = draw.randrange(18)
            caption = " ".join(draw.sample(("a", "walk", "with", "friends", "before", "rain"), 3))
            self.posts.append(
                Post(
                    post_id=f"p{number}",
                    user_id=f"u{user}",
                    timestamp=START + timedelta(hours=number),
                    caption=caption,
                    hashtags=(TAGS[user % len(TAGS)],),
                )
            )
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in self.split("train")], 2)

    def split(self, name):
        start, stop = {"train": (0, 320), "validation": (320, 370), "test": (370, 420)}[name]
        return self.posts[start:stop]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Users(tmp_path_factory.mktemp("users"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "hmemn2n"
    train_run(validate_config(SMALL), data, folder)
    return folder


def top(system, memory, posts):
    return [ranking[0][0] for ranking in system.rank(posts, memory, 1)]


def test_the_hashtag_is_found_in_the_history(data, run):
    model = load_model(run)
    model.system.add_posts(model.memory, data.split("validation"))
    found = top(model.system, model.memory, data.split("test"))
    right = [name in post.hashtags for name, post in zip(found, data.split("test"), strict=True)]
    assert sum(right) > 0.9 * len(right)


def test_a_user_who_was_never_seen_is_understood_from_posts_just_observed(data, run):
    model = load_model(run)
    later = START + timedelta(days=90)
    for place, tag in enumerate(TAGS):
        asked = Post(post_id=f"q{place}", user_id=tag, timestamp=later + timedelta(days=9), caption="with friends")
        days = (later + timedelta(days=day) for day in range(4))
        own = [replace(asked, post_id=f"{tag} {day}", timestamp=day, hashtags=(tag,)) for day in days]
        model.system.add_posts(model.memory, own)
        assert top(model.system, model.memory, [asked]) == [tag]


def test_later_posts_and_the_post_itself_are_not_looked_at(data, run):
    model = load_model(run)
    asked = data.split("test")[0]
    before = model.system.post_scores([asked], model.memory)
    model.system.add_posts(model.memory, [asked, *data.split("test")[1:]])
    np.testing.assert_array_equal(model.system.post_scores([asked], model.memory), before)


def test_without_a_history_the_caption_alone_counts(run):
    model = load_model(run)
    network, system = model.system.network, model.system
    alone = system.post_scores([Post(post_id="q", caption="a walk with friends")], model.memory)[0]
    ids, mask = network.encoder.pad(network.encoder.tokenise(["a walk with friends"]))
    u = network.encoder.pool(network.encoder(ids, mask), mask)
    expected = network.output(u).softmax(-1)[0].detach().double().numpy()
    np.testing.assert_allclose(alone, expected, atol=1e-6)


@pytest.mark.parametrize("caption", [None, "", "😀", "https://x.org", "ქართული"])
def test_with_nothing_known_the_train_shares_are_given(data, run, caption):
    model = load_model(run)
    scores = model.system.post_scores([Post(post_id="q", user_id="nobody", caption=caption)], model.memory)[0]
    np.testing.assert_allclose(scores, np.array(data.vocabulary.frequencies) / 320)


@pytest.mark.parametrize("caption", ["word " * 10_000, "日本語", "x" * 100_000, "\x00\ud800 a"])
def test_any_caption_gets_an_answer(run, caption):
    model = load_model(run)
    for user in ("u1", "nobody"):
        (ranking,) = model.system.rank([Post(post_id="q", user_id=user, caption=caption)], model.memory, 3)
        assert len(ranking) == 3
        assert all(np.isfinite(score) for _, score in ranking)


def test_a_saved_memory_holds_the_same_words(data, run):
    model = load_model(run)
    fresh = model.system.new_memory()
    model.system.add_posts(fresh, data.split("train"))
    np.testing.assert_array_equal(model.memory.vectors, fresh.vectors)
    words = model.system.encoder.vocabulary.words
    first = words_at(fresh, np.array([[0]]))[0, 0]
    assert words[first[0] - 2] == data.posts[0].hashtags[0]


def test_hashtags_can_be_kept_out_of_the_memory(data, tmp_path):
    changes = {"history_hashtags": False, "training": {**SMALL["training"], "epochs": 1}}
    system = train_run(validate_config({**SMALL, **changes}), data, tmp_path / "run").system
    assert not set(TAGS) & set(system.encoder.vocabulary.words)


def test_train_posts_remember_train_posts_alone_and_only_earlier_ones(data, run):
    system = load_model(run).system
    learner = system.learner(data.split("train"), data.split("validation"))
    for row, positions in enumerate(learner.histories.tolist()):
        assert all(position < row for position in positions)


def test_every_parameter_gets_a_gradient(data, run):
    system = load_model(run).system
    learner = system.learner(data.split("train"), data.split("validation"))
    loss, _ = learner.loss(learner.module, [5, 100, 319], 0)
    torch.autograd.backward(loss)
    assert all(parameter.grad is not None for parameter in learner.module.parameters())


def test_in_half_precision_it_answers_and_cannot_be_saved(run, tmp_path):
    whole, half = load_model(run), load_model(run)
    half.system.use_precision("bf16")
    asked = [Post(post_id="q", user_id="u1", caption="a walk with friends")]
    (expected,), (ranking,) = (one.system.rank(asked, one.memory, 3) for one in (whole, half))
    assert ranking[0] == (expected[0][0], pytest.approx(expected[0][1], abs=0.05))
    with pytest.raises(RunError, match="the encoder is in bf16, a lower precision than it was trained in"):
        half.system.save(tmp_path)


def test_design_can_take_the_encoder(run):
    assert load_caption_encoder(run / "model" / "caption_encoder").config.name == "hmemn2n"


def test_without_hashtags_to_choose_by_it_says_so(data, tmp_path):
    bare = Users(data.folder)
    bare.posts = [
        post if place < 320 else Post(post_id=post.post_id, sequence=place) for place, post in enumerate(data.posts)
    ]
    with pytest.raises(DataError, match="no validation post has a hashtag"):
        train_run(validate_config(SMALL), bare, tmp_path / "run")
