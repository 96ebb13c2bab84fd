"""The LSTM caption encoder: word vectors, then one or more recurrent layers."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from multimodal.encoders.captions.lstm_states import lstm_states
from multimodal.encoders.captions.schemas import LstmEncoderConfig
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.freezing import parameters_of
from multimodal.encoders.registry import register_caption_encoder


@register_caption_encoder("lstm")
class LstmCaptionEncoder(WordCaptionEncoder):
    """A unidirectional LSTM over word vectors; the caption's vector is the last word's state.

    The sizes are those of the #TagFinder slides: 200 words, vectors of 200 numbers, one layer of 50, Xavier
    initialisation. The slides pad captions in front, so that the last state is that of the last word. Here padding
    comes after the words and is masked, which is equivalent.
    """

    config_type: ClassVar = LstmEncoderConfig
    config: LstmEncoderConfig

    def make_layers(self) -> None:
        """Create the stacked LSTM."""
        config = self.config
        self.width = config.hidden or config.width
        sizes = [config.width, *[self.width] * max(config.layers, 1)]
        self.stack = nn.ModuleList(nn.LSTM(below, above, batch_first=True) for below, above in pairwise(sizes))
        nn.init.xavier_uniform_(self.words.weight)
        with torch.no_grad():
            self.words.weight[self.pad_id] = 0
        for name, parameter in self.stack.named_parameters():
            (nn.init.xavier_uniform_ if "weight" in name else nn.init.zeros_)(parameter)

    def layers(self) -> list[list[nn.Parameter]]:
        """Return each LSTM layer's parameters."""
        return [parameters_of(layer) for layer in self.stack]

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last layer's states (B, T, C); a state depends on the words up to its own."""
        states: Tensor = self.dropout(self.words(token_ids))
        for layer in self.stack:
            states = self.dropout(lstm_states(layer, states))
        return states

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return the state of each caption's last word, (B, C)."""
        last = (mask.sum(1) - 1).clamp(min=0)
        return words[torch.arange(len(words), device=words.device), last]
