"""Batch normalisation with statistics over the batch of all processes."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.distributed.processes import process_count


class GlobalBatchNorm(nn.BatchNorm1d):
    """`BatchNorm1d` over (B, D) with the same result for one process and for many, on CPU and GPU.

    Statistics are summed over processes with gradients, so training with two processes equals training with
    one on the same batch, even if their shares differ in size (`torch.nn.SyncBatchNorm` runs on GPUs only).
    A batch of one post has no variance, so it is normalised by the running statistics.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise, (B, D) → (B, D)."""
        if self.training and process_count() > 1:
            return self._forward_across(input)
        if self.training and len(input) == 1:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)

    def _forward_across(self, input: Tensor) -> Tensor:
        values = input.float()
        local = torch.cat([values.sum(0), values.new_tensor([len(values)])])
        sums = _sum_over_processes(local)
        count = int(sums[-1].item())
        mean = sums[:-1] / count
        # Two passes, because the mean of squares minus the squared mean can be negative.
        variance = _sum_over_processes(((values - mean) ** 2).sum(0)) / count
        with torch.no_grad():
            momentum = 0.1 if self.momentum is None else self.momentum
            if self.running_mean is not None and self.running_var is not None:
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
                self.running_var.lerp_((variance * count / max(count - 1, 1)).to(self.running_var.dtype), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        normalised = (values - mean) * torch.rsqrt(variance + self.eps)
        return (normalised * self.weight + self.bias).to(input.dtype)


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce whose gradient is the sum of the gradients of all processes."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def _sum_over_processes(values: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(values)
    return total
