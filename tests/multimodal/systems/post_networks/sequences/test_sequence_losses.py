"""Losses against loops and against torch."""

from __future__ import annotations

import itertools

import pytest
import torch

from multimodal.systems.post_networks.sequences.losses import sequence_loss, set_loss

V = 4
FOLLOWING = torch.tensor([[2, 0, V], [3, V, -1], [V, -1, -1], [1, 3, V]])


@pytest.fixture
def step_logits():
    torch.manual_seed(7)
    return torch.randn(4, 3, V + 1, requires_grad=True)


def finite_gradient(loss, values):
    loss.sum().backward()
    return bool(torch.isfinite(values.grad).all())


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
