"""Sums over a vocabulary, block by block: the same values and gradients, and never more than a block at once."""

import pytest
import torch
from torch.nn import functional as F

from multimodal.training import large_vocabulary
from multimodal.training.large_vocabulary import log_normaliser, logits_at, softplus_sum


class Largest(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes the most elements of a tensor that any operation makes, whatever it is, forward and backward."""

    def __init__(self):
        super().__init__()
        self.most = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor):
                self.most = max(self.most, one.numel())
        return result


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(large_vocabulary, "HASHTAGS_AT_ONCE", 7)


def layer(hashtags, width=5):
    torch.manual_seed(0)
    return torch.nn.Linear(width, hashtags).double()


@pytest.mark.parametrize("hashtags", [1, 7, 8, 50])
@pytest.mark.parametrize(
    "blocks, whole",
    [(log_normaliser, lambda logits: logits.logsumexp(1)), (softplus_sum, lambda logits: F.softplus(logits).sum(1))],
)
def test_values_and_gradients_are_those_of_all_hashtags_at_once(small_blocks, hashtags, blocks, whole):
    output, hidden = layer(hashtags), torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.arange(1.0, 5.0, dtype=torch.float64)
    found = []
    for compute in (lambda: blocks(hidden, output), lambda: whole(output(hidden))):
        values = compute()
        (values.double() * weights).sum().backward()
        found.append([values.double().detach(), hidden.grad, output.weight.grad, output.bias.grad])
        hidden.grad, output.weight.grad, output.bias.grad = None, None, None
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5)


def test_logits_of_a_few_are_those_of_the_layer():
    output, hidden = layer(20).float(), torch.randn(3, 5)
    columns = torch.tensor([[0, 19], [4, 4], [7, 2]])
    assert torch.allclose(logits_at(hidden, output, columns), output(hidden).gather(1, columns), atol=1e-6)


def test_no_array_has_a_row_per_post_and_a_column_per_hashtag():
    posts, hashtags, width = 64, 200_000, 4
    output, hidden = layer(hashtags, width).float(), torch.randn(posts, width, requires_grad=True)
    with Largest() as largest:
        log_normaliser(hidden, output).sum().backward()
    assert largest.most == max(output.weight.numel(), posts * large_vocabulary.HASHTAGS_AT_ONCE)
    assert largest.most < posts * hashtags / 10
    with Largest() as whole:
        output(hidden)
    assert whole.most == posts * hashtags
