"""Attention over words, regions or posts that is guided by a vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.systems.post_networks.attention import masked_softmax


class GuidedAttention(nn.Module):
    """a = softmax_j(w · dropout(tanh([W x_j; U g]))), Σ a_j x_j: attention over x guided by g.

    No score has a bias of its own position, so that the length of a caption and the number of regions are free.

    Args:
        width: D, of x and g.
        hidden: of each half of the concatenation.
        dropout: 0..1.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attended = nn.Linear(width, hidden)
        self.guide = nn.Linear(width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(2 * hidden, 1, bias=False)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor, guide_BD: Tensor) -> Tensor:
        """Return the attended vector, (B, D)."""
        guide = self.guide(guide_BD).unsqueeze(1).expand(-1, values_BTD.shape[1], -1)
        hidden = self.dropout(torch.tanh(torch.cat([self.attended(values_BTD), guide], dim=-1)))
        weights_BT = masked_softmax(self.score(hidden).squeeze(-1), mask_BT)
        return (weights_BT.unsqueeze(-1) * values_BTD).sum(1)
