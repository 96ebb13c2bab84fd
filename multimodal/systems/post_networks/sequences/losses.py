"""Losses of the sequence head, one number per post."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def sequence_loss(logits_BSV: Tensor, next_BS: Tensor) -> Tensor:
    """Cross-entropy of the next hashtag, averaged over the steps of each post, (B,).

    Args:
        logits_BSV: (B, S, V + 1).
        next_BS: the hashtag of each step, V for the end, -1 after it.
    """
    losses = F.cross_entropy(logits_BSV.flatten(0, 1), next_BS.flatten(), ignore_index=-1, reduction="none")
    steps = (next_BS >= 0).sum(1).clamp(min=1)
    return losses.view_as(next_BS).sum(1) / steps


def set_loss(logits_BSV: Tensor, next_BS: Tensor) -> Tensor:
    """Order-free loss (after Kang et al. 2020): the target of a step is every hashtag still to come, (B,).

    Args:
        logits_BSV: (B, S, V + 1).
        next_BS: a sequence of the hashtags in any order, V for the end, -1 after it.
    """
    log_probabilities = torch.log_softmax(logits_BSV, -1)
    hot = F.one_hot(next_BS.clamp(min=0), logits_BSV.shape[2]).to(log_probabilities.dtype) * (next_BS >= 0).unsqueeze(
        -1
    )
    remaining = hot.flip(1).cumsum(1).flip(1)
    # The end is a target only when nothing else is left.
    others = remaining[..., :-1].sum(-1, keepdim=True) > 0
    remaining = torch.cat([remaining[..., :-1], remaining[..., -1:] * ~others], dim=-1)
    target = remaining / remaining.sum(-1, keepdim=True).clamp(min=1)
    losses = -(target * log_probabilities).sum(-1)
    steps = (next_BS >= 0).sum(1).clamp(min=1)
    return losses.sum(1) / steps
