"""`LazyAdam`: Adam that updates only the rows of a sparse gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer


class LazyAdam(Optimizer):
    """Adam (Kingma & Ba 2015, 1412.6980) for sparse and dense gradients together.

        m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
        θ ← θ − lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    A sparse gradient changes only its own rows of θ, m and v; t counts all steps. This is `torch.optim.SparseAdam`,
    which refuses dense gradients, while `torch.optim.Adam` refuses sparse ones.

    Args:
        groups: parameters or groups of them.
        lr: learning rate.
        betas: β₁, β₂.
        eps: ε.
    """

    def __init__(self, groups: Any, lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step and return the result of `closure`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, group["lr"], group["betas"], group["eps"])
        return loss

    def _step(self, parameter: Tensor, rate: float, betas: tuple[float, float], eps: float) -> None:
        state = self.state[parameter]
        if not state:
            state.update(step=0, mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
        state["step"] += 1
        rate = rate * (1 - betas[1] ** state["step"]) ** 0.5 / (1 - betas[0] ** state["step"])
        mean, square, gradient = state["mean"], state["square"], parameter.grad
        if gradient is None or not gradient.is_sparse:
            mean.lerp_(gradient, 1 - betas[0])
            square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
            parameter.addcdiv_(mean, square.sqrt().add_(eps), value=-rate)
            return
        gradient = gradient.coalesce()
        rows, values = gradient._indices()[0], gradient._values()
        row_mean = mean.index_select(0, rows).lerp_(values, 1 - betas[0])
        row_square = square.index_select(0, rows).mul_(betas[1]).addcmul_(values, values, value=1 - betas[1])
        mean.index_copy_(0, rows, row_mean)
        square.index_copy_(0, rows, row_square)
        parameter.index_add_(0, rows, row_mean.div_(row_square.sqrt_().add_(eps)), alpha=-rate)
