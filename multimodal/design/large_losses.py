"""The losses of DESIGN's two heads where the vocabulary is large; they equal those of `DesignLearner` on the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from multimodal.design.heads import MultilabelHead
from multimodal.design.history import Copies, Pointer
from multimodal.design.output_vocabulary import OutputVocabulary
from multimodal.systems.post_networks.sequences.head import SequenceHead
from multimodal.training.large_vocabulary import log_normaliser, logits_at, softplus_sum
from multimodal.training.losses import softmax_loss


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the losses of B posts depend on besides their batch.

    Attributes:
        following: the hashtag of each step, V for the end, -1 after it, (B, S).
        loss: of the multilabel head.
        free: whether the order of a sequence is free.
        mean_targets: see `bce_loss`.
    """

    following: Tensor
    loss: Literal["bce", "softmax_1_over_k"]
    free: bool
    mean_targets: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What B posts are scored by.

    Attributes:
        joined: z, (B, Z).
        copies: of each source.
        columns: the meaning of the columns.
    """

    joined: Tensor
    copies: list[Copies]
    columns: OutputVocabulary


def multilabel_losses(
    head: MultilabelHead,
    pointer: Pointer | None,
    evidence: Evidence,
    hashtags_BM: Tensor,
    lesson: Lesson,
) -> Tensor:
    """Return `bce_loss` or `softmax_loss` of every post, (B,).

    Args:
        head, pointer: of the network; None for no pointer.
        evidence: of the posts.
        hashtags_BM: indices of their hashtags, -1 for none.
        lesson: which loss.
    """
    joined, columns, hidden = evidence.joined, evidence.columns, head.hidden(evidence.joined)
    size, extra = columns.vocabulary_size, len(columns) - columns.vocabulary_size

    def adjust(logits: Tensor, first: int) -> Tensor:
        if pointer is None:
            return logits
        changed: Tensor = pointer(joined, logits, [copies.within(first, logits.shape[1]) for copies in evidence.copies])
        return changed

    targets = columns.of(hashtags_BM)
    known = targets.clamp(min=0, max=size - 1)
    logits = logits_at(hidden, head.output, known).masked_fill((targets >= size) | (targets < 0), -torch.inf)
    if pointer is not None:
        logits = pointer(joined, logits, [copies.at(targets) for copies in evidence.copies])
    copied = adjust(hidden.new_full((len(hidden), extra), -torch.inf, dtype=torch.float32), size)
    places = torch.arange(targets.shape[1], device=targets.device).where(targets >= 0, -1)
    if lesson.loss == "bce":
        reachable = (targets >= 0) & logits.isfinite()
        present = torch.where(reachable, logits, 0.0).sum(1)
        absent = softplus_sum(hidden, head.output, adjust) + torch.nn.functional.softplus(copied).sum(1)
        return (absent - present) / max(lesson.mean_targets, 1.0)
    total = torch.cat([log_normaliser(hidden, head.output, adjust).unsqueeze(1), copied], 1).logsumexp(1)
    return softmax_loss(logits - total.unsqueeze(1), places)


def sequence_losses(head: SequenceHead, states_BSH: Tensor, lesson: Lesson) -> Tensor:
    """Return `sequence_loss`, or `set_loss` if the order is free, of every post, (B,).

    Args:
        head: of the network.
        states_BSH: see `SequenceHead.states`.
        lesson: the sequences.
    """
    following_BS = lesson.following
    posts, steps = following_BS.shape
    total = log_normaliser(states_BSH.flatten(0, 1), head.output).view(posts, steps)
    there = following_BS >= 0
    columns = following_BS.clamp(min=0)
    if lesson.free:
        logits_BST = logits_at(states_BSH.flatten(0, 1), head.output, columns.repeat_interleave(steps, 0))
        target = _still_to_come(following_BS, head.vocabulary_size)
        chosen = (logits_BST.view(posts, steps, steps) * target).sum(2) / target.sum(2).clamp(min=1)
    else:
        chosen = logits_at(states_BSH.flatten(0, 1), head.output, columns.view(-1, 1)).view(posts, steps)
    return ((total - chosen) * there).sum(1) / there.sum(1).clamp(min=1)


def _still_to_come(following_BS: Tensor, end: int) -> Tensor:
    """Return which steps' hashtags are targets of which step, (B, S, S): the end only when nothing else is left."""
    steps = torch.arange(following_BS.shape[1], device=following_BS.device)
    later = (steps[None] >= steps[:, None])[None] & (following_BS >= 0)[:, None]
    hashtags = later & (following_BS != end)[:, None]
    return torch.where(hashtags.any(2, keepdim=True), hashtags, later)
