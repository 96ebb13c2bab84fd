"""LazyAdam beside torch's own two."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from multimodal.training.lazy_adam import LazyAdam


def train(make, sparse, lr=0.05):
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(9, 4, generator=generator).requires_grad_()
    optimiser = make([table], lr)
    for _ in range(12):
        rows = torch.randint(0, 7, (5,), generator=generator)
        F.embedding(rows, table, sparse=sparse).sub(1).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    return table.detach()


def test_sparse_gradients_as_sparse_adam():
    expected = train(lambda parameters, lr: torch.optim.SparseAdam(parameters, lr=lr), sparse=True)
    torch.testing.assert_close(train(LazyAdam, sparse=True), expected)


def test_dense_gradients_as_adam():
    expected = train(lambda parameters, lr: torch.optim.Adam(parameters, lr=lr), sparse=False)
    torch.testing.assert_close(train(LazyAdam, sparse=False), expected)


def test_rows_without_a_gradient_stay():
    before = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    after = train(LazyAdam, sparse=True)
    assert torch.equal(after[7:], before[7:])
    assert not torch.equal(after[:7], before[:7])


def run_steps(steps, state=None, start=None):
    words, bias = (one.clone().requires_grad_() for one in start or [torch.ones(5, 2), torch.ones(2)])
    optimiser = LazyAdam([{"params": [words], "lr": 0.1}, {"params": [bias]}], 0.01)
    if state is not None:
        optimiser.load_state_dict(state)
    for step in steps:
        rows = torch.randint(0, 5, (3,), generator=torch.Generator().manual_seed(step))
        (F.embedding(rows, words, sparse=True) * bias).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    return [words.detach(), bias.detach()], optimiser.state_dict()


def test_both_kinds_side_by_side_and_a_state_that_is_kept():
    whole, _ = run_steps(range(6))
    half, state = run_steps(range(3))
    rest, _ = run_steps(range(3, 6), state, half)
    for one, other in zip(rest, whole, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("sparse", [True, False])
def test_a_closure_is_asked(sparse):
    weight = torch.ones(3, 2, requires_grad=True)
    optimiser = LazyAdam([weight], 0.1)

    def closure():
        optimiser.zero_grad()
        loss = F.embedding(torch.tensor([1]), weight, sparse=sparse).sum()
        loss.backward()
        return float(loss.detach())

    assert optimiser.step(closure) == 2
    assert optimiser.step(closure) < 2
