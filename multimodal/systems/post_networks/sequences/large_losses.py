"""The losses of a generated sequence where the vocabulary is large; they equal those of `losses.py` on the logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from multimodal.training.large_vocabulary import OutputLayer, log_normaliser, logits_at


@dataclass(frozen=True, slots=True)
class SequenceLesson:
    """What the losses of B sequences depend on besides the states that they are generated from.

    Attributes:
        following: the hashtag of each step, V for the end, -1 after it, (B, S).
        free: whether the order of a sequence is free.
    """

    following: Tensor
    free: bool


def large_sequence_losses(states_BSH: Tensor, output: OutputLayer, lesson: SequenceLesson) -> Tensor:
    """Return `sequence_loss`, or `set_loss` if the order is free, of every post, (B,), without a (B, S, V) array.

    Args:
        states_BSH: what the output layer is applied to.
        output: the layer, with a row for each hashtag and one for the end, the last.
        lesson: the sequences.
    """
    following_BS = lesson.following
    posts, steps = following_BS.shape
    states = states_BSH.flatten(0, 1)
    total = log_normaliser(states, output).view(posts, steps)
    there = following_BS >= 0
    columns = following_BS.clamp(min=0)
    if lesson.free:
        logits_BST = logits_at(states, output, columns.repeat_interleave(steps, 0))
        target = _still_to_come(following_BS, len(output.weight) - 1)
        chosen = (logits_BST.view(posts, steps, steps) * target).sum(2) / target.sum(2).clamp(min=1)
    else:
        chosen = logits_at(states, output, columns.view(-1, 1)).view(posts, steps)
    return ((total - chosen) * there).sum(1) / there.sum(1).clamp(min=1)


def _still_to_come(following_BS: Tensor, end: int) -> Tensor:
    """Return which steps' hashtags are targets of which step, (B, S, S): the end only when nothing else is left."""
    steps = torch.arange(following_BS.shape[1], device=following_BS.device)
    later = (steps[None] >= steps[:, None])[None] & (following_BS >= 0)[:, None]
    hashtags = later & (following_BS != end)[:, None]
    return torch.where(hashtags.any(2, keepdim=True), hashtags, later)
