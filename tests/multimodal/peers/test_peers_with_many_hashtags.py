"""Peers with a large vocabulary: the losses of the logits, and no array of posts times hashtags."""

from __future__ import annotations

from copy import copy

import pytest
from peer_systems import learner_of, memory_of
from widest import MANY, Widest, assert_equal, loss_and_gradients, with_many_hashtags

from multimodal.peers import learner as classifiers
from multimodal.peers.amnn import system as amnn
from multimodal.ranking import score_blocks
from multimodal.training import large_vocabulary

STILL = ("dropout=0", "modality_dropout=0")
CASES = [
    ("coa", "loss=softmax_sum"),
    ("coa", "loss=softmax_1_over_k"),
    ("coa", "loss=bce"),
    ("macon", "habit.dropout=0"),
    ("tagnet", "history_dropout=0"),
    ("amnn", "order=post"),
    ("amnn", "order=free"),
]


@pytest.mark.parametrize(("name", "override"), CASES)
def test_losses_are_those_of_the_logits(tiny_data, monkeypatch, name, override):
    _, learner = learner_of(name, tiny_data, *STILL, override)
    expected = loss_and_gradients(learner, list(range(12)))
    for module in (classifiers, amnn):
        monkeypatch.setattr(module, "LARGE_VOCABULARY", 0)
    monkeypatch.setattr(large_vocabulary, "HASHTAGS_AT_ONCE", 4)
    assert_equal(loss_and_gradients(learner, list(range(12))), expected)


@pytest.mark.parametrize("name", ["coa", "macon", "tagnet", "amnn"])
def test_200_000_hashtags_train_and_rank(tiny_data, monkeypatch, name):
    data = copy(tiny_data)
    data.vocabulary = with_many_hashtags(tiny_data.vocabulary)
    small = ["hidden=4", "steps=2"] if name == "amnn" else []
    posts = data.split("validation")[:8]
    system, learner = learner_of(name, data, "width=8", *small, validation=posts)
    with Widest(learner.network) as widest:
        loss, _, _ = loss_and_gradients(learner, list(range(12)))
    assert loss.isfinite()
    assert widest.rows == 0
    monkeypatch.setattr(score_blocks, "MOST_SCORES", 3 * MANY)
    memory = memory_of(system, tiny_data.split("train"))
    with Widest(learner.network) as widest:
        rankings = system.rank(posts, memory, 5)
        learner.validate()
    assert 0 < widest.rows <= 3
    assert (rankings.indices >= 0).all()
