"""`MemoryNetwork`: scores hashtags for a tweet by reading the author's earlier tweets, hop by hop."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from multimodal.captions.hmemn2n.hierarchical_attention import HierarchicalAttention, IndexedHistory
from multimodal.encoders import CaptionEncoder
from multimodal.training.hashtag_losses import HashtagLesson, hashtag_losses


class MemoryNetwork(nn.Module):
    """u = encoder(tweet); per hop u ← u + o(u, history); softmax(W u).

    All hops share their word vectors ("layer-wise" in Sukhbaatar et al. 2015); addressing uses those of the encoder.

    Args:
        encoder: over words; gives a tweet's vector by its `pool`.
        word_vectors: its word vectors.
        vocabulary_size: V.
        hops: how often the memory is read; 0 for never.
        ranks: see `HierarchicalAttention`.
        dropout: on the last u.
    """

    def __init__(
        self,
        encoder: CaptionEncoder,
        word_vectors: nn.Embedding,
        vocabulary_size: int,
        hops: int,
        ranks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        width = word_vectors.embedding_dim
        self.query = nn.Linear(encoder.width, width) if encoder.width != width else nn.Identity()
        self.hops = hops
        self.attention = HierarchicalAttention(word_vectors.num_embeddings, width, ranks) if hops else None
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, vocabulary_size)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def start_from(self, shares: Tensor) -> None:
        """Set the output's bias to the shares of the hashtags, so that training need not learn them first.

        Args:
            shares: (V,) all above 0.
        """
        with torch.no_grad():
            self.output.bias.copy_(shares.log())

    def forward(
        self, token_ids: Tensor, mask: Tensor, history_BHL: Tensor, lesson: HashtagLesson | None = None
    ) -> Tensor:
        """Return logits (B, V), or with a `lesson` the loss of each post, (B,).

        Args:
            token_ids: (B, T) words of the tweets.
            mask: (B, T).
            history_BHL: words of the earlier tweets, see `IndexedHistory.of`.
            lesson: gives losses instead of logits, see `hashtag_losses`.
        """
        pooled = self.encoder.pool(self.encoder(token_ids, mask), mask)
        # The encoder may be in a lower precision than the layers behind it.
        query: Tensor = self.query(pooled.to(self.output.weight.dtype))
        if self.attention is not None:
            addresses = cast(nn.Embedding, self.encoder.words).weight
            history = IndexedHistory.of(history_BHL)
            for _ in range(self.hops):
                query = query + self.attention(query, addresses, history)[0]
        hidden = self.dropout(query)
        if lesson is not None:
            return hashtag_losses(hidden, self.output, lesson)
        logits: Tensor = self.output(hidden)
        return logits
