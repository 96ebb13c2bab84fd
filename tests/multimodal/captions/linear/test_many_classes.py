"""Linear models of many classes: learned in blocks, the same weights, and no array of words or posts times classes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from linear_data import make_labelled
from scipy import sparse

from data_loaders.errors import ConfigError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear import learning, tfidf_system
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.captions.linear.forms import shared_equally
from multimodal.captions.linear.learning import RESIDUALS, LinearSettings, learn_linear
from multimodal.captions.linear.svm import Svm
from multimodal.captions.linear.tfidf_logistic import TfidfLogistic
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config

POSTS = make_labelled(120, 11)
FEATURES = WordBags.learn(POSTS.captions, BagConfig(system="x", minimum_count=1)).tfidf(POSTS.captions)
MANY = 200_000


def learned(loss, passes=3):
    targets = shared_equally(POSTS.multi_hot()) if loss == "softmax" else POSTS.multi_hot()
    models = learn_linear(FEATURES, targets, LinearSettings(loss, 3.0, batch_size=32), passes)
    return [(one.weights.toarray(), one.bias.copy()) for one in models]


@pytest.mark.parametrize("width", [1, 3, 4, 11, 50])
@pytest.mark.parametrize("loss", list(RESIDUALS))
def test_blocks_of_classes_learn_the_same(monkeypatch, loss, width):
    whole = learned(loss)
    monkeypatch.setattr(learning, "LARGE_VOCABULARY", 0)
    monkeypatch.setattr(learning, "HASHTAGS_AT_ONCE", width)
    for (weights, bias), (expected, expected_bias) in zip(learned(loss), whole, strict=True):
        np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(bias, expected_bias, rtol=1e-4, atol=1e-5)
    assert not np.allclose(whole[0][0], whole[-1][0])


@pytest.mark.parametrize("loss", list(RESIDUALS))
def test_no_array_has_a_column_per_class(loss):
    posts, words = 64, 300
    draw = np.random.default_rng(0)
    features = sparse.csr_matrix(draw.random((posts, words)).astype(np.float32))
    targets = sparse.csr_matrix(
        (np.ones(posts, np.float32), draw.integers(0, MANY, posts), np.arange(posts + 1)), (posts, MANY)
    )
    tracemalloc.start()
    try:
        (model,) = learn_linear(features, targets, LinearSettings(loss, 3.0), 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert model.weights.shape == (words, MANY)
    assert model.weights.nnz == words * len(np.unique(targets.indices))
    # A float for every post and class would take more, one for every word and class nearly five times as much.
    assert peak < posts * MANY * 4


@pytest.mark.parametrize("kind", [TfidfLogistic, Svm])
def test_systems_learn_and_rank_200_000_hashtags(kind, tmp_path):
    train = LabelledCaptions(POSTS.captions, POSTS.targets, POSTS.truth_sizes, MANY)
    name = "svm" if kind is Svm else "tfidf_logistic"
    system = kind(load_config(None, [f"system={name}", "minimum_count=1"]))
    system.start(HashtagIdMap([f"tag{number:06}" for number in range(MANY)], [1] * MANY), len(train))
    system.learn(train, train.take(range(20)), RunFolder(tmp_path))
    scores = system.scores(train.captions[:4])
    assert scores.shape == (4, MANY)
    assert (scores.argmax(1) < 11).all()


def test_the_exact_solver_refuses_many_classes(monkeypatch, tmp_path):
    monkeypatch.setattr(tfidf_system, "LARGE_VOCABULARY", 10)
    system = TfidfLogistic(load_config(None, ["system=tfidf_logistic", "grid.solver=lbfgs"]))
    system.start(HashtagIdMap([f"tag{number:02}" for number in range(11)], [1] * 11), len(POSTS))
    with pytest.raises(
        ConfigError,
        match=r"^grid.solver=lbfgs takes fewer than 10 classes, here are 11; use grid.solver=stochastic, or prepare",
    ):
        system.learn(POSTS, POSTS, RunFolder(tmp_path))
