"""Losses against loops and against torch."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from multimodal.design.losses import bce_loss, multi_hot, sequence_loss, set_loss, softmax_loss

V = 4
TARGETS = torch.tensor([[2, 0, -1], [3, -1, -1], [-1, -1, -1], [7, 1, 9]])
FOLLOWING = torch.tensor([[2, 0, V], [3, V, -1], [V, -1, -1], [1, 3, V]])


@pytest.fixture
def logits():
    torch.manual_seed(6)
    return torch.randn(4, V, requires_grad=True)


@pytest.fixture
def step_logits():
    torch.manual_seed(7)
    return torch.randn(4, 3, V + 1, requires_grad=True)


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


def test_sequence_equals_a_loop_over_steps(step_logits):
    losses = sequence_loss(step_logits, FOLLOWING)
    chances = torch.log_softmax(step_logits, -1)
    for row in range(4):
        steps = [(step, tag) for step, tag in enumerate(FOLLOWING[row].tolist()) if tag >= 0]
        expected = -sum(chances[row, step, tag].item() for step, tag in steps) / len(steps)
        assert losses[row].item() == pytest.approx(expected, rel=1e-5)
    assert finite_gradient(losses, step_logits)


def slow_set_loss(log_chances, following):
    """At each step the mean over what is not yet named; the end once nothing else is left."""
    sequence = [tag for tag in following if tag >= 0]
    total = 0.0
    for step in range(len(sequence)):
        left = [tag for tag in sequence[step:] if tag != V] or [V]
        total -= sum(log_chances[step][tag] for tag in left) / len(left)
    return total / len(sequence)


def test_set_loss_equals_a_loop_over_steps(step_logits):
    losses = set_loss(step_logits, FOLLOWING)
    chances = torch.log_softmax(step_logits, -1).tolist()
    for row in range(4):
        assert losses[row].item() == pytest.approx(slow_set_loss(chances[row], FOLLOWING[row].tolist()), rel=1e-5)
    assert finite_gradient(losses, step_logits)


def test_set_loss_asks_for_what_is_left_in_whatever_order_it_is_given():
    torch.manual_seed(8)
    logits = torch.randn(1, 5, V + 1)
    # What was named at the first two steps decides; the order of the others does not.
    for first in itertools.permutations(range(V), 2):
        rest = [tag for tag in range(V) if tag not in first]
        one, other = torch.tensor([[*first, *rest, V]]), torch.tensor([[*first, *rest[::-1], V]])
        torch.testing.assert_close(step_targets(logits, one)[:3], step_targets(logits, other)[:3])
    orders = [torch.tensor([[*order, V]]) for order in itertools.permutations(range(V))]
    for order in orders:
        torch.testing.assert_close(step_targets(logits, order)[0], torch.tensor([0.25] * V + [0.0]), atol=1e-6, rtol=0)


def step_targets(logits, following):
    """Gradient of the loss with respect to each step's logits tells its target distribution: (S, V + 1)."""
    values = logits.clone().requires_grad_()
    set_loss(values, following).sum().backward()
    return torch.softmax(logits, -1)[0] - values.grad[0] * following.shape[1]


def test_the_loss_of_one_hashtag_is_the_same_with_and_without_order(step_logits):
    following = torch.tensor([[tag, V, -1] for tag in (0, 1, 2, 3)])
    torch.testing.assert_close(set_loss(step_logits, following), sequence_loss(step_logits, following))
