"""Batch normalisation whose statistics cover the batch of all processes."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F


class GlobalBatchNorm(nn.BatchNorm1d):
    """`BatchNorm1d` over (B, D) that behaves the same for one process and for many, on CPU and GPU.

    Statistics are summed over processes with gradients, so training with two processes equals training with
    one on the same batch (`torch.nn.SyncBatchNorm` offers this on GPUs only). A batch of a single post has no
    variance: it is normalised by the running statistics.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise, (B, D) → (B, D)."""
        processes = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
        if not self.training or processes == 1:
            if self.training and len(input) == 1:
                return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
            return super().forward(input)
        return self._forward_across(input, processes)

    def _forward_across(self, input: Tensor, processes: int) -> Tensor:
        from torch.distributed.nn.functional import all_reduce

        count = len(input) * processes
        local = torch.cat([input.sum(0), (input * input).sum(0)]).float()
        sums: Tensor = all_reduce(local) / count  # type: ignore[no-untyped-call]
        mean, variance = sums[: input.shape[1]], sums[input.shape[1] :]
        variance = variance - mean * mean
        with torch.no_grad():
            momentum = 0.1 if self.momentum is None else self.momentum
            if self.running_mean is not None and self.running_var is not None:
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
                self.running_var.lerp_((variance * count / max(count - 1, 1)).to(self.running_var.dtype), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        normalised = (input - mean) * torch.rsqrt(variance + self.eps)
        return normalised * self.weight + self.bias
