"""The LSTM caption encoder: word vectors, then one or more recurrent layers."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from multimodal.encoders.base import parameters_of
from multimodal.encoders.captions.lstm_layers import lstm_states
from multimodal.encoders.captions.schemas import LstmEncoderConfig
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.registry import register_caption_encoder


class StackedLstmEncoder(WordCaptionEncoder):
    """Word vectors and a stack of unidirectional LSTM layers, which may be empty."""

    def make_stack(self, layers: int) -> None:
        """Create the stack, each layer of size `width`."""
        sizes = [self.config.width, *[self.width] * layers]
        self.stack = nn.ModuleList(nn.LSTM(below, above, batch_first=True) for below, above in pairwise(sizes))

    def layers(self) -> list[list[nn.Parameter]]:
        """Return each LSTM layer's parameters; the word vectors if there is none."""
        return [parameters_of(layer) for layer in self.stack] or [parameters_of(self.words)]

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last layer's states, or the word vectors, (B, T, C); a state depends on no later words."""
        states: Tensor = self.dropout(self.words(token_ids))
        for layer in self.stack:
            states = self.dropout(lstm_states(layer, states))
        return states

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return the state of each caption's last word, or the mean of its word vectors, (B, C)."""
        if not len(self.stack):
            return super().pool(words, mask)
        last = (mask.sum(1) - 1).clamp(min=0)
        return words[torch.arange(len(words), device=words.device), last]


@register_caption_encoder("lstm")
class LstmCaptionEncoder(StackedLstmEncoder):
    """A unidirectional LSTM over word vectors; the caption's vector is the last word's state.

    The sizes are those of the #TagFinder slides: 200 words, vectors of 200 numbers, one layer of 50, Xavier
    initialisation. The slides pad captions in front, so that the last state is that of the last word. Here padding
    comes after the words and is masked, which is equivalent.
    """

    config_type: ClassVar = LstmEncoderConfig
    config: LstmEncoderConfig

    def make_layers(self) -> None:
        """Create the stacked LSTM."""
        self.width = self.config.hidden or self.config.width
        self.make_stack(max(self.config.layers, 1))
        nn.init.xavier_uniform_(self.words.weight)
        for name, parameter in self.stack.named_parameters():
            (nn.init.xavier_uniform_ if "weight" in name else nn.init.zeros_)(parameter)
