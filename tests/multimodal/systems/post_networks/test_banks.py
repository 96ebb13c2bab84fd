"""Banks: a batch gets the same vectors whether all are there, some are gathered, or they lie in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.config_loading import load_config
from multimodal.systems.post_networks import banks
from multimodal.systems.post_networks.banks import GatheredBank, WholeBank, bank_of, room_for

DEBUG = Path(__file__).resolve().parents[4] / "configs" / "debug.yaml"
CPU = torch.device("cpu")


@pytest.fixture
def system(tiny_data):
    torch.manual_seed(3)
    system = DesignSystem(load_config(DEBUG))
    system.id_map = HashtagIdMap(tiny_data.vocabulary.hashtags, tiny_data.vocabulary.frequencies)
    system.build(["a walk"], True)
    return system


def test_the_same_scores_bit_for_bit(system, tiny_data):
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.posts)
    system.network.eval()
    torch.nn.init.normal_(system.network.own.correlation.weight)
    batch = system.scorer.datasets.dataset(tiny_data.posts[60:90], memory).batch(range(30))
    (whole,), columns = system.scorer.scores(*WholeBank(torch.from_numpy(memory.vectors)).place(batch), [0.5])
    (gathered,), same_columns = system.scorer.scores(*system.scorer.bank(memory).place(batch), [0.5])
    assert torch.equal(whole, gathered)
    assert torch.equal(columns, same_columns)


def test_a_batch_without_earlier_posts_needs_no_vector(system, tiny_data):
    memory = system.new_memory()
    batch = system.scorer.datasets.dataset(tiny_data.posts[:4], memory).batch(range(4))
    placed, vectors = system.scorer.bank(memory).place(batch)
    assert vectors.shape == (0, system.config.width)
    assert (placed.history == -1).all()


def test_positions_become_rows_of_the_gathered_vectors(system, tiny_data):
    memory = system.new_memory()
    batch = system.scorer.datasets.dataset(tiny_data.posts[:2], memory).batch(range(2))
    batch = replace(batch, history=torch.tensor([[7, -1], [3, 9]]), neighbours=torch.tensor([[9], [-1]]))
    every = np.arange(20, dtype=np.float32).reshape(10, 2)
    placed, vectors = GatheredBank(lambda positions: every[positions], CPU).place(batch)
    assert vectors.tolist() == every[[3, 7, 9]].tolist()
    assert (placed.history.tolist(), placed.neighbours.tolist()) == ([[1, -1], [0, 2]], [[2], [-1]])


def test_vectors_that_do_not_fit_are_kept_in_a_file_and_change_no_loss(system, tiny_data, monkeypatch):
    def losses():
        learner = DesignLearner(
            system.config, system.scorer, system.id_map, tiny_data.split("train"), tiny_data.split("validation")
        )
        learner.start_epoch(0, CPU)
        learner.network.eval()
        return learner, learner.loss(learner.network, list(range(12)), 0)[0].item(), learner.validate()

    small, expected, validated = losses()
    monkeypatch.setattr(banks, "_IN_MEMORY_BYTES", 0)
    monkeypatch.setattr("multimodal.systems.post_networks.scoring._ENCODED_AT_ONCE", 128)
    large, loss, scores = losses()
    assert isinstance(large._bank, GatheredBank)
    assert (loss, scores) == (expected, validated)
    assert torch.equal(large.tensors()["bank"], small.tensors()["bank"])


def test_room_in_a_file_can_be_written(monkeypatch):
    monkeypatch.setattr(banks, "_IN_MEMORY_BYTES", 8)
    room = room_for((3, 2))
    room[:] = 5
    assert isinstance(room.base, np.memmap)
    assert room.tolist() == [[5, 5]] * 3
    assert isinstance(bank_of(torch.zeros(1, 2), CPU), WholeBank)
