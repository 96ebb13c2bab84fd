"""`CaptionClassifier`: a caption encoder, one vector per caption, and a logit per hashtag."""

from __future__ import annotations

from torch import Tensor, nn

from multimodal.encoders import CaptionEncoder


class CaptionClassifier(nn.Module):
    """pool(encoder(caption)) → dropout → linear.

    Args:
        encoder: gives (B, T, C) and pools it.
        vocabulary_size: V.
        dropout: on the caption's vector.
    """

    def __init__(self, encoder: CaptionEncoder, vocabulary_size: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(encoder.width, vocabulary_size)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return logits (B, V) of token ids (B, T)."""
        words = self.encoder(token_ids, mask)
        pooled = self.encoder.pool(words, mask).to(self.output.weight.dtype)
        logits: Tensor = self.output(self.dropout(pooled))
        return logits
