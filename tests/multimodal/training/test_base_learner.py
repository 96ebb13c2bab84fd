"""What all learners have in common: parameter groups, batches and weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from multimodal.training.base_learner import BaseLearner
from multimodal.training.config import TrainingConfig


class TwoRates(BaseLearner):
    """The first layer is frozen or has a rate of its own."""

    def learning_rate(self, name, parameter):
        return 0.5 if name.startswith("first.") else super().learning_rate(name, parameter)

    def loss(self, module, rows, epoch):
        return module.second(module.first(torch.ones(len(rows), 3))).sum(), {}

    def validate(self):
        return {"score": 0.0}


@pytest.fixture
def learner():
    torch.manual_seed(0)
    module = nn.ModuleDict({"first": nn.Linear(3, 2), "second": nn.Linear(2, 1)})
    training = TrainingConfig(learning_rate=0.1, weight_decay=0.3, batch_size=2)
    return TwoRates(module, training, seed=4, lengths=np.array([5, 1, 3, 2, 9, 4], np.int64))


def test_a_group_for_each_rate_with_decay_on_matrices_only(learner):
    groups = learner.parameter_groups()
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.5, 0.3), (0.5, 0), (0.1, 0.3), (0.1, 0)]
    first, second = learner.module["first"], learner.module["second"]
    assert [group["params"] for group in groups] == [[first.weight], [first.bias], [second.weight], [second.bias]]


def test_parameters_that_are_not_trained_are_in_no_group(learner):
    learner.module["first"].requires_grad_(False)
    assert [group["lr"] for group in learner.parameter_groups()] == [0.1, 0.1]


def test_every_row_is_in_one_batch_and_only_the_epoch_changes_the_order(learner):
    for epoch in range(3):
        assert sorted(row for rows in learner.batches(epoch) for row in rows) == list(range(6))
    assert learner.batches(1) == learner.batches(1)
    assert any(learner.batches(epoch) != learner.batches(0) for epoch in range(1, 6))


def test_frozen_weights_are_neither_saved_nor_changed(learner):
    learner.frozen = ("first.",)
    weights = {name: value.clone() for name, value in learner.weights().items()}
    assert list(weights) == ["second.weight", "second.bias"]
    kept = learner.module["first"].weight.clone()
    nn.init.zeros_(learner.module["second"].weight)
    learner.load_weights(weights)
    torch.testing.assert_close(learner.module["second"].weight, weights["second.weight"])
    torch.testing.assert_close(learner.module["first"].weight, kept)


def test_a_resumed_epoch_needs_its_device_only(learner):
    assert learner.tensors() == {}
    learner.load_tensors({}, torch.device("meta"))
    assert learner.device == torch.device("meta")
