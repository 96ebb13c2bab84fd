"""Losses of a large vocabulary: those of the logits, with their gradients, and nothing as large as posts × hashtags."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from widest import MANY, Widest, assert_equal, loss_and_gradients, with_many_hashtags

from multimodal.design import learner as learner_module
from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking import score_blocks
from multimodal.systems.config_loading import load_config
from multimodal.training import large_vocabulary

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"
CPU = torch.device("cpu")


def make(data, *overrides, id_map=None):
    system = DesignSystem(load_config(DEBUG, overrides))
    system.id_map = id_map or HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
    system.alpha = 0.5
    torch.manual_seed(0)
    system.build(cleaned_captions(data.split("train"), system.config.caption_profile), True)
    learner = DesignLearner(
        system.config, system.scorer, system.id_map, data.split("train"), list(data.split("validation"))[:8]
    )
    learner.start_epoch(0, CPU)
    return system, learner


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("history.neighbours=3",),
        ("history.pointer=false",),
        ("history.posts=0", "history.neighbours=0"),
        ("history.named=true",),
        ("heads.loss=bce",),
        ("heads.order=free",),
        ("heads.multilabel=false",),
        ("heads.sequence=false", "heads.loss=bce", "history.pointer=false"),
    ],
    ids=" ".join,
)
def test_they_are_those_of_the_logits(tiny_data, monkeypatch, overrides):
    # Without dropout, whose draws depend on the shapes.
    still = ("heads.dropout=0", "interaction.dropout=0", "modality_dropout=0", *overrides)
    _, learner = make(tiny_data, *still)
    expected = loss_and_gradients(learner, list(range(12)))
    monkeypatch.setattr(learner_module, "LARGE_VOCABULARY", 0)
    monkeypatch.setattr(large_vocabulary, "HASHTAGS_AT_ONCE", 5)
    found = loss_and_gradients(learner, list(range(12)))
    assert_equal(found, expected)


def test_a_vocabulary_of_200_000_trains_and_ranks(tiny_data, monkeypatch):
    many = with_many_hashtags(tiny_data.vocabulary)
    id_map = HashtagIdMap(many.hashtags, many.frequencies)
    system, learner = make(tiny_data, "width=8", "heads.embedding_width=4", "heads.hidden=3", id_map=id_map)
    learner.network.train()
    with Widest(learner.network) as widest:
        loss, _ = learner.loss(learner.network, list(range(16)), 0)
        loss.backward()
    assert loss.isfinite()
    assert widest.rows == 0
    monkeypatch.setattr(score_blocks, "MOST_SCORES", 5 * MANY)
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.split("train"))
    posts = list(tiny_data.split("validation"))[:8]
    with Widest(learner.network) as widest:
        rankings = system.rank(posts, memory, 5)
        learner.validate()
    # The pointer stacks the copies of both sources: own history and neighbours.
    assert 0 < widest.rows <= 2 * 5
    assert (rankings.indices >= 0).all()
