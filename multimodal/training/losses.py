"""Multilabel losses, each one number per post."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def multi_hot(targets_BM: Tensor, columns: int) -> Tensor:
    """Return (B, columns) with 1 at the targets; -1 and larger indices are ignored."""
    inside = (targets_BM >= 0) & (targets_BM < columns)
    hot = torch.zeros(len(targets_BM), columns + 1, device=targets_BM.device)
    hot.scatter_(1, torch.where(inside, targets_BM, columns), 1.0)
    return hot[:, :columns]


def bce_loss(logits_BV: Tensor, targets_BM: Tensor, mean_targets: float) -> Tensor:
    """Binary cross-entropy summed over the vocabulary, (B,).

    Summed, not averaged: an average over thousands of absent hashtags would shrink with the vocabulary.

    Args:
        logits_BV: one logit per hashtag, -inf for one that cannot be recommended, which is ignored.
        targets_BM: columns of the hashtags, -1 for none.
        mean_targets: mean number of hashtags of a train post; divides the loss.
    """
    hot = multi_hot(targets_BM, logits_BV.shape[1])
    reachable = torch.isfinite(logits_BV)
    losses = F.binary_cross_entropy_with_logits(logits_BV.where(reachable, 0.0), hot, reduction="none")
    return (losses * reachable).sum(1) / max(mean_targets, 1.0)


def softmax_loss(log_probabilities_BC: Tensor, targets_BM: Tensor, summed: bool = False) -> Tensor:
    """Softmax cross-entropy with target 1/k on each of the k hashtags (Mahajan et al. 2018), (B,).

    Args:
        log_probabilities_BC: -inf for a hashtag that cannot be recommended; such targets are ignored.
        targets_BM: columns of the hashtags, -1 for none.
        summed: target 1 on each of the k hashtags, so that posts with many weigh more (Zhang et al. 2017).
    """
    reachable = (targets_BM >= 0) & (targets_BM < log_probabilities_BC.shape[1])
    chosen = log_probabilities_BC.gather(1, torch.where(reachable, targets_BM, 0))
    reachable = reachable & torch.isfinite(chosen)
    chosen = torch.where(reachable, chosen, 0.0)
    loss = -chosen.sum(1)
    return loss if summed else loss / reachable.sum(1).clamp(min=1)
