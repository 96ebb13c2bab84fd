"""`hashtag_losses`: the losses of a layer with a row for each hashtag, where the vocabulary is large."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from multimodal.training.large_vocabulary import OutputLayer, log_normaliser, logits_at, softplus_sum
from multimodal.training.losses import softmax_loss


@dataclass(frozen=True, slots=True)
class HashtagLesson:
    """What the losses of B posts depend on besides what the layer is applied to.

    Attributes:
        targets: hashtags of each post, -1 for none, (B, M); none of them twice.
        mean_targets: of a train post, which divides the binary cross-entropy, see `bce_loss`; None for a softmax.
        summed: softmax: target 1 on each hashtag instead of 1/k, see `softmax_loss`.
        positives: binary cross-entropy: weight of each hashtag where a post carries it, (V,); None for 1.
    """

    targets: Tensor
    mean_targets: float | None = None
    summed: bool = False
    positives: Tensor | None = None


def hashtag_losses(hidden_BH: Tensor, output: OutputLayer, lesson: HashtagLesson) -> Tensor:
    """Return `softmax_loss` or `bce_loss` of the layer's logits for every post, (B,), without a (B, V) array.

    Args:
        hidden_BH: what the layer is applied to.
        output: the layer.
        lesson: which loss, of which hashtags.
    """
    there = lesson.targets >= 0
    hashtags = lesson.targets.clamp(min=0)
    logits = logits_at(hidden_BH, output, hashtags)
    if lesson.mean_targets is not None:
        weights = 1.0 if lesson.positives is None else lesson.positives[hashtags]
        # All hashtags as absent, then the difference for those that are present.
        changes = (weights * F.softplus(-logits) - F.softplus(logits)) * there
        return (softplus_sum(hidden_BH, output) + changes.sum(1)) / max(lesson.mean_targets, 1.0)
    logs = logits - log_normaliser(hidden_BH, output).unsqueeze(1)
    places = torch.arange(logs.shape[1], device=logs.device).where(there, -1)
    return softmax_loss(logs, places, lesson.summed)
