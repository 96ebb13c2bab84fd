"""The attention-based convolutional caption encoder of Gong & Zhang: a global and a local channel over word vectors."""

from __future__ import annotations

from functools import reduce
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.encoders.base import parameters_of
from multimodal.encoders.captions.masked_layers import without_padding
from multimodal.encoders.captions.schemas import CnnAttentionEncoderConfig
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.registry import register_caption_encoder

_GLOBAL_WINDOWS = (1, 2, 3)
_LOCAL_WINDOW = 5
THRESHOLD = 0.8
# Larger word vectors would start in the flat part of tanh.
_WORD_SCALE = 0.1


@register_caption_encoder("cnn_attention")
class CnnAttentionCaptionEncoder(WordCaptionEncoder):
    """Two channels over word vectors x_i (Gong & Zhang, IJCAI 2016).

    Global: `hidden` filters tanh(W_n · x_{i : i+n} + b_n) for each window of n = 1, 2, 3 words inside the caption. The
    maximum over windows represents word i, the maximum over words the caption.
    Local: a score s_i = tanh(w · x_{i-2 : i+3} + b) for each word, and a threshold η = δ min s + (1 − δ) max s with
    δ = 0.8, over the words of the caption. Words above η are its trigger words. They are summed with weights s_i − η,
    then tanh is applied.
    A word's vector holds both channels at its position, the caption's vector both channels over all its words:
    (B, `hidden` + `width`).

    The paper sums the trigger words without weights, which leaves w without a gradient. Weighting them by s_i − η, as
    the public reproduction does, selects the same words and lets w learn; the weight is 0 at the threshold, so the
    output is continuous. That reproduction takes the threshold over the whole batch and pools over padding; here a
    caption depends on neither.

    Sizes of the paper and that reproduction: 30 words of 100 numbers, 20,000 words, 100 filters.
    """

    config_type: ClassVar = CnnAttentionEncoderConfig
    config: CnnAttentionEncoderConfig

    def make_layers(self) -> None:
        """Create the filters of both channels."""
        config = self.config
        self.filters = config.hidden or config.width
        self.global_windows = nn.ModuleList(nn.Conv1d(config.width, self.filters, size) for size in _GLOBAL_WINDOWS)
        self.scorer = nn.Conv1d(config.width, 1, _LOCAL_WINDOW, padding=_LOCAL_WINDOW // 2)
        self.width = self.filters + config.width
        nn.init.normal_(self.words.weight, std=_WORD_SCALE)
        for layer in (*self.global_windows, self.scorer):
            if isinstance(layer, nn.Conv1d):
                nn.init.xavier_uniform_(layer.weight)

    def layers(self) -> list[list[nn.Parameter]]:
        """Return the parameters of both channels, which form one layer."""
        return [parameters_of(self.global_windows, self.scorer)]

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return both channels at each word, (B, T, C)."""
        words_BTE = self.dropout(self.words(token_ids)).masked_fill(~mask.unsqueeze(-1), 0.0)
        words_BET = words_BTE.transpose(1, 2)
        scores = torch.tanh(self.scorer(words_BET)).squeeze(1)
        triggers_BTE = trigger_weights(scores, mask).unsqueeze(-1).to(words_BTE.dtype) * words_BTE
        return torch.cat([self._largest_window(words_BET, mask), triggers_BTE], dim=-1)

    def _largest_window(self, words_BET: Tensor, mask: Tensor) -> Tensor:
        """Return the maximum over the windows that begin at each word and end inside the caption, (B, T, F)."""
        windows = []
        for size, layer in zip(_GLOBAL_WINDOWS, self.global_windows, strict=True):
            values = torch.tanh(layer(F.pad(words_BET, (0, size - 1))))
            ends_inside = F.pad(mask, (0, size - 1))[:, size - 1 :]
            # tanh is never below -1.
            windows.append(values.masked_fill(~ends_inside.unsqueeze(1), -1.0))
        return without_padding(reduce(torch.maximum, windows), mask).transpose(1, 2)

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return the maximum of the global channel and tanh of the local channel's sum, (B, C)."""
        everywhere, triggers = words[..., : self.filters], words[..., self.filters :]
        largest = everywhere.masked_fill(~mask.unsqueeze(-1), -1.0).amax(1) * mask.any(1, keepdim=True)
        return torch.cat([largest, torch.tanh(triggers.sum(1))], dim=-1)


def trigger_weights(scores_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Return by how much each word's score exceeds its caption's threshold, (B, T), at least 0.

    Args:
        scores_BT: a score for each word.
        mask_BT: true at words; every row has one.
    """
    smallest = scores_BT.masked_fill(~mask_BT, torch.inf).amin(1, keepdim=True)
    largest = scores_BT.masked_fill(~mask_BT, -torch.inf).amax(1, keepdim=True)
    above = F.relu(scores_BT - (THRESHOLD * smallest + (1 - THRESHOLD) * largest))
    return above.masked_fill(~mask_BT, 0.0)
