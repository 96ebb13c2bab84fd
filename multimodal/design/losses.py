"""Losses of the two heads, each one number per post."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def multi_hot(targets_BM: Tensor, columns: int) -> Tensor:
    """Return (B, columns) with 1 where a hashtag is among the targets; -1 and larger indices are left out."""
    inside = (targets_BM >= 0) & (targets_BM < columns)
    hot = torch.zeros(len(targets_BM), columns + 1, device=targets_BM.device)
    hot.scatter_(1, torch.where(inside, targets_BM, columns), 1.0)
    return hot[:, :columns]


def bce_loss(logits_BV: Tensor, targets_BM: Tensor, mean_targets: float) -> Tensor:
    """Binary cross-entropy summed over the vocabulary, (B,).

    Summed rather than averaged: an average over thousands of absent hashtags would shrink with the vocabulary.

    Args:
        logits_BV: one logit per hashtag, -inf where it cannot be named; such hashtags do not count.
        targets_BM: columns of the hashtags, -1 for none.
        mean_targets: mean number of hashtags of a train post; the loss is divided by it.
    """
    hot = multi_hot(targets_BM, logits_BV.shape[1])
    reachable = torch.isfinite(logits_BV)
    losses = F.binary_cross_entropy_with_logits(logits_BV.where(reachable, 0.0), hot, reduction="none")
    return (losses * reachable).sum(1) / max(mean_targets, 1.0)


def softmax_loss(log_probabilities_BC: Tensor, targets_BM: Tensor) -> Tensor:
    """Softmax cross-entropy with target 1/k on each of the k hashtags (Mahajan et al. 2018), (B,).

    Args:
        log_probabilities_BC: -inf where a hashtag cannot be named; such targets do not count.
        targets_BM: columns of the hashtags, -1 for none.
    """
    reachable = (targets_BM >= 0) & (targets_BM < log_probabilities_BC.shape[1])
    chosen = log_probabilities_BC.gather(1, torch.where(reachable, targets_BM, 0))
    reachable = reachable & torch.isfinite(chosen)
    chosen = torch.where(reachable, chosen, 0.0)
    return -chosen.sum(1) / reachable.sum(1).clamp(min=1)


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
    """Order-free loss (after Kang et al. 2020): the target of a step is every hashtag not yet named, (B,).

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
