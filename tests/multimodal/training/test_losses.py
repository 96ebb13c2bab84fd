"""Losses against loops and against torch."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from multimodal.training.losses import bce_loss, multi_hot, softmax_loss

V = 4
TARGETS = torch.tensor([[2, 0, -1], [3, -1, -1], [-1, -1, -1], [7, 1, 9]])


@pytest.fixture
def logits():
    torch.manual_seed(6)
    return torch.randn(4, V, requires_grad=True)


def finite_gradient(loss, values):
    loss.sum().backward()
    return bool(torch.isfinite(values.grad).all())


def test_multi_hot_leaves_out_what_has_no_column():
    assert multi_hot(TARGETS, V).tolist() == [[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]


def test_bce_equals_a_loop(logits):
    losses = bce_loss(logits, TARGETS, 2.5)
    for row, wanted in enumerate([{2, 0}, {3}, set(), {1}]):
        chances = [1 / (1 + math.exp(-value)) for value in logits[row].tolist()]
        expected = -sum(math.log(chance if index in wanted else 1 - chance) for index, chance in enumerate(chances))
        assert losses[row].item() == pytest.approx(expected / 2.5, rel=1e-5)
    assert finite_gradient(losses, logits)


def test_bce_is_not_enlarged_by_posts_with_less_than_a_hashtag_on_average(logits):
    assert torch.equal(bce_loss(logits, TARGETS, 0.2), bce_loss(logits, TARGETS, 1.0))


def test_softmax_equals_a_loop_over_the_targets_in_reach(logits):
    losses = softmax_loss(torch.log_softmax(logits, -1), TARGETS)
    for row, wanted in enumerate([[2, 0], [3], [], [1]]):
        total = sum(math.exp(value) for value in logits[row].tolist())
        chances = [math.exp(value) / total for value in logits[row].tolist()]
        expected = -sum(math.log(chances[index]) for index in wanted) / max(len(wanted), 1)
        assert losses[row].item() == pytest.approx(expected, rel=1e-5)
    assert finite_gradient(losses, logits)


def test_softmax_with_one_target_is_cross_entropy(logits):
    found = softmax_loss(torch.log_softmax(logits, -1), torch.tensor([[1], [0], [3], [2]]))
    torch.testing.assert_close(found, F.cross_entropy(logits, torch.tensor([1, 0, 3, 2]), reduction="none"))


def test_bce_leaves_out_what_cannot_be_named():
    values = torch.tensor([[0.3, -math.inf, -0.7, -math.inf]], requires_grad=True)
    found = bce_loss(values, torch.tensor([[2, 3]]), 2.0)
    assert torch.equal(found, bce_loss(values[:, [0, 2]], torch.tensor([[1]]), 2.0))
    assert finite_gradient(found, values)


def test_targets_that_cannot_be_named_do_not_count():
    values = torch.tensor([[-1.0, -math.inf, -2.0]], requires_grad=True)
    alone = softmax_loss(values, torch.tensor([[2]]))
    assert torch.equal(softmax_loss(values, torch.tensor([[1, 2, 5, -1]])), alone)
    assert softmax_loss(values, torch.tensor([[1]])).item() == 0
    assert finite_gradient(softmax_loss(values, torch.tensor([[1, 2]])), values)
