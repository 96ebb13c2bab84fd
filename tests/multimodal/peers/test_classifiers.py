"""The losses and scores of peers that classify."""

from __future__ import annotations

import pytest
import torch
from peer_systems import learner_of, memory_of, untrained

from multimodal.training.losses import softmax_loss


def test_the_sum_over_hashtags_is_finite_where_a_probability_is_zero():
    """A public version takes the logarithm of a probability that underflows, which is infinite."""
    logits = torch.tensor([[0.0, -2_000.0, 0.0]])
    assert float(torch.softmax(logits, -1)[0, 1]) == 0
    loss = softmax_loss(torch.log_softmax(logits, -1), torch.tensor([[1, 2]]), summed=True)
    assert float(loss) == pytest.approx(2_000 + 2 * 0.6931472, rel=1e-6)


def test_summed_is_the_mean_times_the_number_of_hashtags():
    torch.manual_seed(0)
    logs, targets = torch.log_softmax(torch.randn(3, 5), -1), torch.tensor([[0, 3, 4], [1, -1, -1], [2, 0, -1]])
    averaged, summed = softmax_loss(logs, targets), softmax_loss(logs, targets, summed=True)
    torch.testing.assert_close(summed, averaged * torch.tensor([3.0, 1.0, 2.0]))


@pytest.mark.parametrize("loss", ["softmax_sum", "softmax_1_over_k", "bce"])
def test_every_loss_trains_and_gives_probabilities(tiny_data, loss):
    system, learner = learner_of("coa", tiny_data, f"loss={loss}")
    value, parts = learner.loss(learner.network, [0, 1, 2], 0)
    assert torch.isfinite(value)
    assert parts == {}
    size = len(tiny_data.vocabulary)
    scores = [[score for _, score in one] for one in system.rank(tiny_data.split("test"), memory_of(system, []), size)]
    assert all(0 <= score <= 1 for row in scores for score in row)
    assert all((abs(sum(row) - 1) < 1e-4) == (loss != "bce") for row in scores)


def test_nothing_is_kept_of_earlier_posts_that_are_not_read(tiny_data):
    system = untrained("coa", tiny_data)
    memory = memory_of(system, tiny_data.posts)
    assert (memory.width, memory.slots, memory.spaces) == (0, 0, {})
