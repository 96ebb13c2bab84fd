"""One process equals `nn.BatchNorm1d`; two processes equal one on the whole batch."""

from __future__ import annotations

from datetime import timedelta

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch import nn

from multimodal.distributed.batch_norm import GlobalBatchNorm

WIDTH = 4


def make_layer(kind):
    layer = kind(WIDTH)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0, -0.5, 0.3]))
        layer.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 2.0]))
    return layer


def batch_of(posts):
    # Large offsets beside little spread, one coordinate without any: where a one-pass variance fails.
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(posts, WIDTH, generator=generator) * torch.tensor([1.0, 5.0, 0.1, 0.0])
    return values + torch.tensor([0.0, -2.0, 80.0, 100.0])


def cost(output, rows):
    """A loss that differs by post and coordinate, so that gradients do not cancel."""
    factors = torch.arange(1.0, WIDTH + 1) * (1 + torch.tensor(rows, dtype=torch.float)[:, None])
    return (output * factors).square().mean(1)


def trained_steps(layer, batches):
    """Outputs, gradients and statistics after a step on each batch."""
    found = []
    for values in batches:
        values = values.clone().requires_grad_()
        layer.zero_grad()
        output = layer(values)
        cost(output, list(range(len(values)))).mean().backward()
        found += [output.detach(), values.grad, layer.weight.grad.clone(), layer.bias.grad.clone()]
    return [*found, layer.running_mean, layer.running_var, layer.num_batches_tracked]


def test_one_process_equals_batch_norm():
    batches = [batch_of(7), batch_of(5) + 1]
    layers = make_layer(GlobalBatchNorm), make_layer(nn.BatchNorm1d)
    for one, other in zip(*(trained_steps(layer, batches) for layer in layers), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(*(layer.eval()(batch_of(3)) for layer in layers))
    assert torch.equal(*(layer(batch_of(1)) for layer in layers))


def test_a_single_post_is_normalised_by_the_running_statistics():
    layer = make_layer(GlobalBatchNorm)
    layer(batch_of(8))
    values = batch_of(1).requires_grad_()
    found = layer(values)
    found.sum().backward()
    assert torch.isfinite(values.grad).all()
    assert torch.equal(found, layer.eval()(values))


SHARES = {"even": [[0, 2, 4], [1, 3, 5]], "uneven": [[0, 2, 4, 6], [1, 3, 5]]}


def _work(index, address, folder):
    """One of two processes: every case of `SHARES`, the results left in `folder`."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=index, world_size=2, timeout=timedelta(seconds=60))
    for case, shares in SHARES.items():
        rows, total = shares[index], sum(map(len, shares))
        layer = make_layer(GlobalBatchNorm)
        values = batch_of(total)[rows].requires_grad_()
        output = layer(values)
        # As the training does: the mean over a share with its weight, then the mean of gradients over processes.
        (cost(output, rows).mean() * len(rows) / total * 2).backward()
        gradients = [layer.weight.grad, layer.bias.grad]
        for gradient in gradients:
            dist.all_reduce(gradient)
            gradient /= 2
        found = [output.detach(), values.grad / 2, *gradients, layer.running_mean, layer.running_var]
        torch.save([*found, layer.eval()(batch_of(3)).detach()], folder / f"{case}{index}.pt")
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    multiprocessing.spawn(_work, (f"file://{folder / 'meeting'}", folder), nprocs=2)
    return folder


@pytest.mark.parametrize("case", SHARES)
def test_two_processes_equal_one(two_processes, case):
    shares = SHARES[case]
    parts = [torch.load(two_processes / f"{case}{index}.pt", weights_only=True) for index in range(2)]
    whole = make_layer(GlobalBatchNorm)
    count = sum(map(len, shares))
    values = batch_of(count).requires_grad_()
    output = whole(values)
    cost(output, list(range(count))).mean().backward()
    expected = [whole.weight.grad, whole.bias.grad, whole.running_mean, whole.running_var]
    expected.append(whole.eval()(batch_of(3)).detach())
    for part, rows in zip(parts, shares, strict=True):
        torch.testing.assert_close(part[0], output.detach()[rows], atol=2e-4, rtol=2e-4)
        torch.testing.assert_close(part[1], values.grad[rows], atol=2e-3, rtol=2e-3)
        for one, other in zip(part[2:], expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)
    for one, other in zip(parts[0][2:], parts[1][2:], strict=True):
        assert torch.equal(one, other)
