"""The SA-LSTM caption encoder: word vectors, a bidirectional LSTM, stacked self-attention."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from data_loaders.errors import ConfigError
from multimodal.encoders.base import parameters_of
from multimodal.encoders.captions.lstm_layers import BidirectionalLstm
from multimodal.encoders.captions.schemas import SaLstmEncoderConfig
from multimodal.encoders.captions.self_attention import MultiHeadSelfAttention
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.registry import register_caption_encoder


class _AttentionLayer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadSelfAttention(width, heads)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = self.norm(words + self.dropout(self.attention(words, mask)))
        return states


@register_caption_encoder("sa_lstm")
class SaLstmCaptionEncoder(WordCaptionEncoder):
    """A bidirectional LSTM, then layers of multi-head self-attention (Shen et al., Computers, Materials & Continua).

    The sizes are those of the article: 30 words, vectors of 300 numbers, 192 hidden units in each direction, six heads
    of size 64, so that the attention is as wide as both directions together, 384. The article says that the attention
    is stacked, but not how. Here it has two layers (`layers`), each with a residual connection and layer normalisation
    as in Vaswani et al., without a feed-forward part.
    """

    config_type: ClassVar = SaLstmEncoderConfig
    config: SaLstmEncoderConfig

    def make_layers(self) -> None:
        """Create the bidirectional LSTM and the attention layers.

        Raises:
            ConfigError: the width of the states is not a multiple of `heads`.
        """
        config = self.config
        hidden = config.hidden or config.width
        self.width = 2 * hidden
        if self.width % config.heads:
            raise ConfigError(
                f"encoder.caption.hidden={hidden} gives states of {self.width} numbers, which cannot be divided among "
                f"heads={config.heads}; choose a multiple."
            )
        nn.init.normal_(self.words.weight, std=0.1)
        self.lstm = BidirectionalLstm(config.width, hidden)
        self.stack = nn.ModuleList(
            _AttentionLayer(self.width, config.heads, config.dropout) for _ in range(config.layers)
        )

    def layers(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the LSTM and of each attention layer."""
        return [parameters_of(self.lstm), *(parameters_of(layer) for layer in self.stack)]

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states (B, T, C) of the last attention layer."""
        states: Tensor = self.dropout(self.lstm(self.dropout(self.words(token_ids)), mask))
        for layer in self.stack:
            states = layer(states, mask)
        return states
