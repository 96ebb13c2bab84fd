"""`SequenceHead`: a GRU that generates hashtags one after another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class SequenceHead(nn.Module):
    """GRU that generates hashtags one after another, as in AMNN (Yang et al. 2020).

    h_0 = tanh(W z); the input of step s is [E[y_{s-1}]; z]; logits over V hashtags and the end.

    Args:
        input_width: width of z.
        hidden: width of the GRU.
        vocabulary_size: V; the index V is "end" as an output and "start" as an input.
        embedding_width: E.
        dropout: on the GRU's outputs, 0..1.
    """

    def __init__(
        self, input_width: int, hidden: int, vocabulary_size: int, embedding_width: int, dropout: float
    ) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.initial = nn.Linear(input_width, hidden)
        self.gru = nn.GRU(embedding_width + input_width, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, vocabulary_size + 1)

    def start(self, joined_BZ: Tensor) -> Tensor:
        """Return the first hidden state, (1, B, hidden)."""
        return torch.tanh(self.initial(joined_BZ)).unsqueeze(0)

    def forward(self, joined_BZ: Tensor, previous_BS: Tensor, embeddings: nn.Embedding) -> Tensor:
        """Return logits under teacher forcing, (B, S, V + 1).

        Args:
            joined_BZ: z.
            previous_BS: the hashtag before each step; V stands for the start.
            embeddings: hashtag embeddings with V + 1 rows.
        """
        logits: Tensor = self.output(self.states(joined_BZ, previous_BS, embeddings))
        return logits

    def states(self, joined_BZ: Tensor, previous_BS: Tensor, embeddings: nn.Embedding) -> Tensor:
        """Return what the logits of `forward` are computed from, (B, S, hidden)."""
        steps = previous_BS.shape[1]
        inputs = torch.cat([embeddings(previous_BS), joined_BZ.unsqueeze(1).expand(-1, steps, -1)], dim=-1)
        hidden, _ = self.gru(inputs, self.start(joined_BZ))
        states: Tensor = self.dropout(hidden)
        return states

    def context(self, joined_BZ: Tensor) -> Tensor:
        """Return the contribution of z to the GRU's gates, the same at every step, (B, 3·hidden)."""
        gru: Any = self.gru
        return nn.functional.linear(joined_BZ, gru.weight_ih_l0[:, -joined_BZ.shape[1] :], gru.bias_ih_l0)

    def step(
        self,
        joined_BZ: Tensor,
        previous_B: Tensor,
        state: Tensor,
        embeddings: nn.Embedding,
        context: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return logits (B, V + 1) and the next state after one decoding step, the GRU of `forward` written out.

        Args:
            joined_BZ: z.
            previous_B: the hashtag before.
            state: (1, B, hidden).
            embeddings: hashtag embeddings with V + 1 rows.
            context: from `context`, to compute it once for many steps; None to compute it.
        """
        gru: Any = self.gru
        hidden = state.squeeze(0)
        context = self.context(joined_BZ) if context is None else context
        embedded = embeddings(previous_B)
        inputs = context + nn.functional.linear(embedded, gru.weight_ih_l0[:, : embedded.shape[1]])
        reset_in, update_in, new_in = inputs.chunk(3, dim=1)
        gates = nn.functional.linear(hidden, gru.weight_hh_l0, gru.bias_hh_l0)
        reset_hidden, update_hidden, new_hidden = gates.chunk(3, dim=1)
        update = torch.sigmoid(update_in + update_hidden)
        new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_hidden) * new_hidden)
        hidden = torch.lerp(new, hidden, update)
        return self.output(self.dropout(hidden)), hidden.unsqueeze(0)
