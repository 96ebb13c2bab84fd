"""The decoder of AMNN: a GRU that reads the content of the post at every step, in training and in decoding."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AdditiveDecoder(nn.Module):
    """h_s = GRU(E[y_{s-1}] + p, h_{s-1}), h_0 = 0; logits over V hashtags and the end.

    Args:
        width: D, of p and of the embeddings.
        hidden: of the GRU.
        vocabulary_size: V; the index V is "end" as an output and "start" as an input.
        dropout: on the GRU's outputs, 0..1.
        feedback: whether a step reads the hashtag before it.
    """

    def __init__(self, width: int, hidden: int, vocabulary_size: int, dropout: float, feedback: bool) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self._feedback = feedback
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, vocabulary_size + 1)

    def start(self, content_BD: Tensor) -> Tensor:
        """Return the first hidden state, (1, B, hidden)."""
        return content_BD.new_zeros(1, len(content_BD), self.gru.hidden_size)

    def context(self, content_BD: Tensor) -> Tensor:
        """Return what the content adds to the input of every step, (B, D)."""
        return content_BD

    def forward(self, content_BD: Tensor, previous_BS: Tensor, embeddings: nn.Embedding) -> Tensor:
        """Return logits under teacher forcing, (B, S, V + 1).

        Args:
            content_BD: p.
            previous_BS: the hashtag before each step; V stands for the start.
            embeddings: hashtag embeddings with V + 1 rows.
        """
        logits: Tensor = self.output(self.states(content_BD, previous_BS, embeddings))
        return logits

    def states(self, content_BD: Tensor, previous_BS: Tensor, embeddings: nn.Embedding) -> Tensor:
        """Return what the logits of `forward` are computed from, (B, S, hidden)."""
        inputs = self._inputs(content_BD.unsqueeze(1).expand(-1, previous_BS.shape[1], -1), previous_BS, embeddings)
        states: Tensor = self.dropout(self.gru(inputs, self.start(content_BD))[0])
        return states

    def step(
        self,
        content_BD: Tensor,
        previous_B: Tensor,
        state: Tensor,
        embeddings: nn.Embedding,
        context: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return logits (B, V + 1) and the next state (1, B, hidden) after one step, with the inputs of `forward`."""
        inputs = self._inputs(content_BD, previous_B, embeddings).unsqueeze(1)
        hidden, state = self.gru(inputs, state)
        return self.output(self.dropout(hidden.squeeze(1))), state

    def _inputs(self, content: Tensor, previous: Tensor, embeddings: nn.Embedding) -> Tensor:
        return content + embeddings(previous) if self._feedback else content


@torch.no_grad()
def generated(decoder: AdditiveDecoder, content_BD: Tensor, embeddings: nn.Embedding, steps: int) -> Tensor:
    """Return the hashtags that are generated greedily, without repeats, at least one, -1 after the end: (B, steps)."""
    posts, end = len(content_BD), decoder.vocabulary_size
    state = decoder.start(content_BD)
    previous = torch.full((posts,), end, device=content_BD.device)
    named = torch.zeros(posts, end + 1, dtype=torch.bool, device=content_BD.device)
    sequence = torch.full((posts, steps), -1, device=content_BD.device)
    finished = torch.zeros_like(previous, dtype=torch.bool)
    for step in range(min(steps, end)):
        logits, state = decoder.step(content_BD, previous, state, embeddings)
        logits = logits.float().masked_fill(named, float("-inf"))
        if step == 0:
            logits[:, end] = float("-inf")
        previous = logits.argmax(1)
        finished = finished | (previous == end)
        sequence[:, step] = torch.where(finished, -1, previous)
        named[torch.arange(posts, device=content_BD.device), previous] = True
        named[:, end] = False
    return sequence
