"""Losses of a large vocabulary: those of the logits, with their gradients, and nothing as large as posts × hashtags."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

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


def loss_and_gradients(learner, rows):
    learner.network.train()
    learner.network.zero_grad()
    torch.manual_seed(3)
    loss, parts = learner.loss(learner.network, rows, 0)
    loss.backward()
    gradients = {name: one.grad.clone() for name, one in learner.network.named_parameters() if one.grad is not None}
    return loss, parts, gradients


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("history.neighbours=3",),
        ("history.pointer=false",),
        ("history.posts=0", "history.neighbours=0"),
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
    assert torch.allclose(found[0], expected[0], rtol=1e-5)
    assert set(found[1]) == set(expected[1])
    for name, part in expected[1].items():
        assert torch.allclose(found[1][name], part, rtol=1e-5)
    assert set(found[2]) == set(expected[2])
    for name, gradient in expected[2].items():
        assert torch.allclose(found[2][name], gradient, rtol=1e-4, atol=1e-6), name


class Widest(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes the rows of every array that has a column per hashtag."""

    def __init__(self, hashtags):
        super().__init__()
        self.hashtags, self.rows = hashtags, 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor) and one.dim() > 1 and one.shape[-1] >= self.hashtags:
                self.rows = max(self.rows, one.numel() // one.shape[-1])
        return result


def test_a_vocabulary_of_200_000_trains_and_ranks(tiny_data, monkeypatch):
    vocabulary = tiny_data.vocabulary
    more = tuple(f"rare{number}" for number in range(200_000 - len(vocabulary)))
    id_map = HashtagIdMap((*vocabulary.hashtags, *more), (*vocabulary.frequencies, *[1] * len(more)))
    system, learner = make(tiny_data, "width=8", "heads.embedding_width=4", "heads.hidden=3", id_map=id_map)
    learner.network.train()
    with Widest(200_000) as widest:
        loss, _ = learner.loss(learner.network, list(range(16)), 0)
        loss.backward()
    assert loss.isfinite()
    assert widest.rows == 0
    monkeypatch.setattr(score_blocks, "MOST_SCORES", 3 * 200_000)
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.split("train"))
    posts = list(tiny_data.split("validation"))[:8]
    with Widest(200_000) as widest:
        rankings = system.rank(posts, memory, 5)
        learner.validate()
    # The pointer stacks the copies of both sources: own history and neighbours.
    assert 0 < widest.rows <= 2 * 3
    assert (rankings.indices >= 0).all()
