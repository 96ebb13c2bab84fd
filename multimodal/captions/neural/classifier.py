"""`CaptionClassifier`: a caption encoder, one vector per caption, and a logit per hashtag."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.encoders import CaptionEncoder
from multimodal.training.hashtag_losses import HashtagLesson, hashtag_losses


class CaptionClassifier(nn.Module):
    """pool(encoder(caption)) → optional tanh layer → dropout → linear.

    Args:
        encoder: gives (B, T, C) and pools it.
        vocabulary_size: V.
        dropout: on the input of the output layer.
        hidden: width of a tanh layer before the output; None for none.
    """

    def __init__(
        self, encoder: CaptionEncoder, vocabulary_size: int, dropout: float, hidden: int | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.hidden = nn.Sequential() if hidden is None else nn.Sequential(nn.Linear(encoder.width, hidden), nn.Tanh())
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden or encoder.width, vocabulary_size)
        for layer in (*self.hidden, self.output):
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def start_from(self, logits_V: Tensor) -> None:
        """Set the output's bias, which determines the scores before training."""
        with torch.no_grad():
            self.output.bias.copy_(logits_V)

    def forward(self, token_ids: Tensor, mask: Tensor, lesson: HashtagLesson | None = None) -> Tensor:
        """Return logits (B, V) of token ids (B, T), or with a `lesson` losses (B,), see `hashtag_losses`."""
        words = self.encoder(token_ids, mask)
        pooled = self.encoder.pool(words, mask).to(self.output.weight.dtype)
        hidden = self.dropout(self.hidden(pooled))
        if lesson is not None:
            return hashtag_losses(hidden, self.output, lesson)
        logits: Tensor = self.output(hidden)
        return logits
