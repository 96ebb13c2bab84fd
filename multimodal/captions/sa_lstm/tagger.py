"""`WordTagger`: for each word of a caption, the probability that it is a hashtag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.encoders import CaptionEncoder


class WordTagger(nn.Module):
    """encoder → dropout → for each number of consecutive words, mean of their states → linear → two logits.

    Args:
        encoder: gives (B, T, C), one state per word.
        longest: N, most consecutive words that form one hashtag.
        dropout: on the states.
    """

    def __init__(self, encoder: CaptionEncoder, longest: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        layers = [nn.Linear(encoder.width, 2) for _ in range(longest)]
        for layer in layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.output = nn.ModuleList(layers)

    def start_from(self, shares: Sequence[float]) -> None:
        """Set the output's bias to the shares of hashtags among words, so that training need not learn them first.

        Args:
            shares: N, each above 0 and below 1.
        """
        with torch.no_grad():
            for layer, share in zip(self.output, shares, strict=True):
                cast(nn.Linear, layer).bias.copy_(torch.tensor([math.log(1 - share), math.log(share)]))

    def forward(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return logits (B, N, T, 2) of "not a hashtag" and "a hashtag", for n words from each word on.

        Args:
            token_ids: (B, T).
            mask: (B, T); logits of runs that extend into padding have no meaning.
        """
        # The encoder may be in a lower precision than the layers behind it.
        states = self.dropout(self.encoder(token_ids, mask).to(next(self.output.parameters()).dtype))
        total, logits = torch.zeros_like(states), []
        for i, layer in enumerate(self.output):
            # Word t + i, moved to the start of its run.
            total = total + F.pad(states[:, i:], (0, 0, 0, min(i, states.shape[1])))
            logits.append(layer(total / (i + 1)))
        return torch.stack(logits, 1)
