"""`Widest`: how many posts have an array with a column for every hashtag, whatever computes it."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from data_loaders.prepare.vocabulary import Vocabulary

MANY = 200_000


class Widest(TorchDispatchMode):
    """Notes how many numbers per hashtag any tensor holds, forward and backward, but for those of a weight's shape.

    So a test must not use as many posts as a weight has numbers per hashtag.
    """

    def __init__(self, network):
        super().__init__()
        self._weights = {tuple(sorted(weight.shape)) for weight in network.parameters()}
        self.rows = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor) and max(one.shape, default=0) >= MANY:
                rows = 0 if tuple(sorted(one.shape)) in self._weights else one.numel() // MANY
                self.rows = max(self.rows, rows if rows > 1 else 0)
        return result


def with_many_hashtags(vocabulary):
    """Return a vocabulary with rare hashtags added until there are `MANY`."""
    more = tuple(f"rare{number:06}" for number in range(MANY - len(vocabulary)))
    return Vocabulary((*vocabulary.hashtags, *more), (*vocabulary.frequencies, *[1] * len(more)), 1)


def loss_and_gradients(learner, rows):
    """Return the loss of some train posts, and the gradient of every weight."""
    network = learner.module
    network.train()
    network.zero_grad()
    torch.manual_seed(3)
    loss, parts = learner.loss(network, rows, 0)
    loss.backward()
    gradients = {name: one.grad.to_dense() for name, one in network.named_parameters() if one.grad is not None}
    return loss.detach(), parts, gradients


def assert_equal(found, expected):
    """Check that two results of `loss_and_gradients` are the same but for rounding."""
    assert torch.allclose(found[0], expected[0], rtol=1e-5)
    assert set(found[1]) == set(expected[1])
    for name, part in expected[1].items():
        assert torch.allclose(found[1][name], part, rtol=1e-5)
    assert set(found[2]) == set(expected[2])
    for name, gradient in expected[2].items():
        assert torch.allclose(found[2][name], gradient, rtol=1e-4, atol=1e-6), name
