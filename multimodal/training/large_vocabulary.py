"""Losses over a large vocabulary, some thousand hashtags at a time: no array has a row per post, a column per hashtag.

The logits of a block of hashtags are computed, summed up and thrown away, and computed again for the gradient
(Chen et al. 2016, arXiv 1604.06174); the result is that of the whole softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

LARGE_VOCABULARY = 32_768
"""From so many hashtags on, losses are computed block by block."""
HASHTAGS_AT_ONCE = 8_192


class OutputLayer(Protocol):
    """A linear layer with a row for each hashtag, with or without a bias."""

    @property
    def weight(self) -> Tensor:
        """The rows, (V, H)."""

    @property
    def bias(self) -> Tensor | None:
        """(V,), or None."""


# Logits (N, W) and their first column ▶ the logits that count.
Adjust: TypeAlias = Callable[[Tensor, int], Tensor]
# Logits (N, W) ▶ (N,): what is summed up over the blocks.
_Summary: TypeAlias = Callable[[Tensor], Tensor]


def log_normaliser(hidden_NH: Tensor, output: OutputLayer, adjust: Adjust | None = None) -> Tensor:
    """Return the logarithm of Σ exp(logit) over all hashtags, (N,), in single precision.

    Args:
        hidden_NH: what the output layer is applied to.
        output: the layer, with a row for each hashtag.
        adjust: changes the logits of a block; None for not at all.
    """
    blocks = _of_blocks(hidden_NH, output, adjust, lambda logits: logits.logsumexp(1))
    return torch.stack(blocks).logsumexp(0)


def softplus_sum(hidden_NH: Tensor, output: OutputLayer, adjust: Adjust | None = None) -> Tensor:
    """Return Σ ln(1 + exp(logit)) over all hashtags, (N,): the binary cross-entropy of a post without any.

    Args:
        hidden_NH, output, adjust: see `log_normaliser`.
    """
    return torch.stack(_of_blocks(hidden_NH, output, adjust, lambda logits: F.softplus(logits).sum(1))).sum(0)


def logits_at(hidden_NH: Tensor, output: OutputLayer, columns_NM: Tensor) -> Tensor:
    """Return the logits of a few hashtags of each row, (N, M), in single precision.

    Args:
        hidden_NH, output: see `log_normaliser`.
        columns_NM: rows of the output layer.
    """
    rows = F.embedding(columns_NM, output.weight)
    logits = (rows @ hidden_NH.to(rows.dtype).unsqueeze(-1)).squeeze(-1).float()
    return logits if output.bias is None else logits + output.bias[columns_NM].float()


def _of_blocks(hidden_NH: Tensor, output: OutputLayer, adjust: Adjust | None, summary: _Summary) -> list[Tensor]:
    def block(hidden: Tensor, weight: Tensor, bias: Tensor | None, first: int) -> Tensor:
        logits = F.linear(hidden, weight, bias).float()
        return summary(logits if adjust is None else adjust(logits, first))

    summaries, first = [], 0
    # Split once: the gradients of the pieces are joined, instead of one of full size for each.
    weights = torch.split(output.weight, HASHTAGS_AT_ONCE)
    whole = output.bias
    biases: Sequence[Tensor | None] = [None] * len(weights) if whole is None else torch.split(whole, HASHTAGS_AT_ONCE)
    for weight, bias in zip(weights, biases, strict=True):
        summaries.append(
            checkpoint(block, hidden_NH, weight, bias, first, use_reentrant=False, preserve_rng_state=False)
        )
        first += len(weight)
    return summaries
