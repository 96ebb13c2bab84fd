"""Decoding the sequence head: greedy or beam, without repeats."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


class Decoder(Protocol):
    """A network that generates a sequence of hashtags step by step, such as `SequenceHead`."""

    vocabulary_size: int

    def start(self, joined_BZ: Tensor) -> Tensor:
        """Return the first hidden state, (1, B, hidden)."""

    def context(self, joined_BZ: Tensor) -> Tensor:
        """Return what z contributes to every step, (B, ·)."""

    def step(
        self, joined_BZ: Tensor, previous_B: Tensor, state: Tensor, embeddings: nn.Embedding, context: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return logits (B, V + 1) and the next state after one decoding step."""


@torch.no_grad()
def decode_scores(head: Decoder, joined_BZ: Tensor, embeddings: nn.Embedding, steps: int, beams: int = 1) -> Tensor:
    """Score every hashtag by the probability that the sequence contains it: 1 - Π_s (1 - P_s(h)).

    The product runs over the decoding steps before the end; a hashtag that was decoded is masked in later steps.
    With several beams the scores are averaged, weighted by the probability of each beam.

    Args:
        head: generates.
        joined_BZ: z.
        embeddings: hashtag embeddings with V + 1 rows.
        steps: S, the most hashtags of a sequence.
        beams: width of the beam; 1 is greedy.

    Returns:
        (B, V) in 0..1.
    """
    posts, vocabulary = len(joined_BZ), head.vocabulary_size
    end = vocabulary
    joined = joined_BZ.repeat_interleave(beams, 0)
    state, context = head.start(joined), head.context(joined)
    previous = joined.new_full((posts * beams,), end, dtype=torch.long)
    named = torch.zeros(posts * beams, vocabulary + 1, dtype=torch.bool, device=joined.device)
    missed = joined.new_ones(posts * beams, vocabulary)
    finished = torch.zeros(posts * beams, dtype=torch.bool, device=joined.device)
    # All beams of a post start alike, so the first step continues only one of them.
    log_probability = joined.new_full((posts, beams), float("-inf"))
    log_probability[:, 0] = 0.0
    for step in range(min(steps, vocabulary)):
        logits, state = head.step(joined, previous, state, embeddings, context)
        logits = logits.float().masked_fill(named, float("-inf"))
        if step == 0:
            logits[:, end] = float("-inf")
        log_step = torch.log_softmax(logits, -1)
        missed = torch.where(finished.unsqueeze(1), missed, missed * (1 - log_step[:, :vocabulary].exp()))
        log_step = _only_end_after_end(log_step, finished, end)
        total = (log_probability.unsqueeze(2) + log_step.view(posts, beams, -1)).flatten(1)
        log_probability, chosen = total.topk(beams, dim=1)
        parent = chosen // (vocabulary + 1) + torch.arange(posts, device=joined.device).unsqueeze(1) * beams
        parent, previous = parent.flatten(), (chosen % (vocabulary + 1)).flatten()
        state, missed = state[:, parent].contiguous(), missed[parent]
        named, finished = named[parent].clone(), finished[parent] | (previous == end)
        named[torch.arange(posts * beams, device=joined.device), previous] = True
        named[:, end] = False
        if bool(finished.all()):
            break
    weights = torch.softmax(log_probability, dim=1).unsqueeze(-1)
    return ((1 - missed).view(posts, beams, vocabulary) * weights).sum(1)


def _only_end_after_end(log_step: Tensor, finished: Tensor, end: int) -> Tensor:
    closed = torch.full_like(log_step, float("-inf"))
    closed[:, end] = 0.0
    return torch.where(finished.unsqueeze(1), closed, log_step)
