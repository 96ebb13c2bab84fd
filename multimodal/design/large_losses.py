"""The loss of DESIGN's multilabel head where the vocabulary is large: that of `DesignLearner` on the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from multimodal.design.heads import MultilabelHead
from multimodal.design.history import Copies, Pointer
from multimodal.design.output_vocabulary import OutputVocabulary
from multimodal.systems.post_networks.sequences.large_losses import SequenceLesson
from multimodal.training.large_vocabulary import log_normaliser, logits_at, softplus_sum
from multimodal.training.losses import softmax_loss


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the losses of B posts depend on besides their batch.

    Attributes:
        sequence: the sequences of the sequence head.
        loss: of the multilabel head.
        mean_targets: see `bce_loss`.
    """

    sequence: SequenceLesson
    loss: Literal["bce", "softmax_1_over_k"]
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
