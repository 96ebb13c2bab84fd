"""The HMemN2N caption encoder: word vectors, and optionally an LSTM over them."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from data_loaders.errors import ConfigError
from multimodal.encoders.captions.lstm_states import lstm_states
from multimodal.encoders.captions.schemas import MemoryEncoderConfig
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.freezing import parameters_of
from multimodal.encoders.registry import register_caption_encoder


@register_caption_encoder("hmemn2n")
class MemoryCaptionEncoder(WordCaptionEncoder):
    """The tweet encoder of a hierarchical memory network (Huang et al. 2016, aclweb C16-1090).

    The paper was not accessible. As in end-to-end memory networks (Sukhbaatar et al. 2015, arXiv 1503.08895), a tweet
    is by default the mean of its word vectors, initialised from a normal distribution with standard deviation 0.1.
    With `layers` it is the last state of that many LSTM layers of width `hidden`.
    """

    config_type: ClassVar = MemoryEncoderConfig
    config: MemoryEncoderConfig

    def make_layers(self) -> None:
        """Create the stacked LSTM, if there is one.

        Raises:
            ConfigError: `hidden` is given without `layers`.
        """
        config = self.config
        if config.hidden is not None and not config.layers:
            raise ConfigError("encoder.caption.hidden is the width of LSTM layers; set encoder.caption.layers too.")
        self.width = (config.hidden or config.width) if config.layers else config.width
        sizes = [config.width, *[self.width] * config.layers]
        self.stack = nn.ModuleList(nn.LSTM(below, above, batch_first=True) for below, above in pairwise(sizes))
        nn.init.normal_(self.words.weight, std=0.1)
        nn.init.zeros_(self.words.weight.data[self.pad_id])

    def layers(self) -> list[list[nn.Parameter]]:
        """Return each LSTM layer's parameters; the word vectors if there is none."""
        return [parameters_of(layer) for layer in self.stack] or [parameters_of(self.words)]

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return word vectors or LSTM states, (B, T, C)."""
        states: Tensor = self.dropout(self.words(token_ids))
        for layer in self.stack:
            states = self.dropout(lstm_states(layer, states))
        return states

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return the mean of the word vectors, or the last word's state, (B, C)."""
        if not len(self.stack):
            return super().pool(words, mask)
        last = (mask.sum(1) - 1).clamp(min=0)
        return words[torch.arange(len(words), device=words.device), last]
