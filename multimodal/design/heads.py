"""The multilabel head."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn


class MultilabelHead(nn.Module):
    """Dropout → Linear → ReLU → Linear: one logit per hashtag of the vocabulary.

    Args:
        input_width: width of the joined vector z.
        hidden: hidden width.
        vocabulary_size: V.
        dropout: 0..1.
    """

    def __init__(self, input_width: int, hidden: int, vocabulary_size: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(input_width, hidden), nn.ReLU(), nn.Linear(hidden, vocabulary_size)
        )

    @property
    def output(self) -> nn.Linear:
        """The last layer, with a row for each hashtag."""
        return cast("nn.Linear", self.layers[-1])

    def hidden(self, joined_BZ: Tensor) -> Tensor:
        """Return what the last layer is applied to, (B, hidden)."""
        hidden: Tensor = self.layers[:-1](joined_BZ)
        return hidden

    def forward(self, joined_BZ: Tensor) -> Tensor:
        """Return logits, (B, V)."""
        logits: Tensor = self.layers(joined_BZ)
        return logits
