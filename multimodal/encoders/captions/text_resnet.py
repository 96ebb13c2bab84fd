"""The text ResNet caption encoder: word vectors, a convolution, pooling, and residual blocks along the caption."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.encoders.base import parameters_of
from multimodal.encoders.captions.masked_layers import MaskedBatchNorm, halved, masked_max_pool, without_padding
from multimodal.encoders.captions.schemas import TextResNetEncoderConfig
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.registry import register_caption_encoder

# The convolution and the pooling each halve the length, so that a region covers four words.
WORDS_PER_REGION = 4
# Adam moves each number by about the learning rate per step: larger word vectors would hardly leave their start.
_WORD_SCALE = 0.1


@register_caption_encoder("text_resnet")
class TextResNetCaptionEncoder(WordCaptionEncoder):
    """A residual network along the words of a caption.

    conv (size 7, stride 2, padding 3) → batch norm → ReLU → max-pool (size 3, stride 2, padding 1) → `layers` stages
    of two residual blocks (size 3, stride 1, padding 1), each stage with twice the channels of the one before,
    `hidden` in the first. Region r, the network's output at position r, is centred on the words 4r … 4r + 3 and also
    sees words on both sides; each of these words gets its vector. The caption's vector is the maximum over its regions:
    their mean would differ little between captions, because the regions are normalised. Padding is masked after every
    layer, so a caption's vectors equal those of the network without padding.

    The sizes are those of the #TagFinder slides: 200 words, fixed GloVe vectors (`word_vectors`; learned if no file is
    given), the strides and paddings above, Xavier initialisation. The slides do not give the number of blocks and
    channels. Four stages of 64 to 512 channels are those of ResNet-18, which fits the size of their model (42.5 MB,
    15 MB more than their LSTM with the same kind of word vectors).
    """

    config_type: ClassVar = TextResNetEncoderConfig
    config: TextResNetEncoderConfig

    def make_layers(self) -> None:
        """Create the convolution and the stages of residual blocks."""
        config = self.config
        channels = config.hidden or config.width
        self.first = nn.Conv1d(config.width, channels, 7, stride=2, padding=3, bias=False)
        self.first_norm = MaskedBatchNorm(channels)
        sizes = [channels, *(channels * 2**stage for stage in range(config.layers))]
        self.stages = nn.ModuleList(_Stage(below, above) for below, above in pairwise(sizes))
        self.width = sizes[-1]
        nn.init.normal_(self.words.weight, std=_WORD_SCALE)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.xavier_uniform_(module.weight)

    def layers(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the first convolution, then of each stage."""
        return [parameters_of(self.first, self.first_norm), *(parameters_of(stage) for stage in self.stages)]

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return each word's region (B, T, C)."""
        words_BTE = self.dropout(self.words(token_ids))
        values = self.first(without_padding(words_BTE.transpose(1, 2), mask))
        regions = halved(mask)
        values, regions = masked_max_pool(F.relu(self.first_norm(values, regions)), regions)
        for stage in self.stages:
            values = stage(values, regions)
        repeated: Tensor = values.repeat_interleave(WORDS_PER_REGION, dim=2)[:, :, : token_ids.shape[1]]
        return repeated.transpose(1, 2)

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return the maximum over each caption's regions, (B, C); 0 for a caption without words."""
        regions, inside = words[:, ::WORDS_PER_REGION], mask[:, ::WORDS_PER_REGION].unsqueeze(-1)
        # No value is negative, since the network ends with a ReLU.
        return (regions * inside).amax(1)


class _ResidualBlock(nn.Module):
    """conv → norm → ReLU → conv → norm, plus its input, then ReLU; a size-1 convolution if the channels differ."""

    def __init__(self, below: int, above: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(below, above, 3, padding=1, bias=False)
        self.first_norm = MaskedBatchNorm(above)
        self.second = nn.Conv1d(above, above, 3, padding=1, bias=False)
        self.second_norm = MaskedBatchNorm(above)
        self.shortcut = nn.Conv1d(below, above, 1) if below != above else nn.Identity()

    def forward(self, values_BCL: Tensor, mask_BL: Tensor) -> Tensor:
        inner = F.relu(self.first_norm(self.first(values_BCL), mask_BL))
        inner = self.second_norm(self.second(inner), mask_BL)
        return without_padding(F.relu(inner + self.shortcut(values_BCL)), mask_BL)


class _Stage(nn.Module):
    """Two residual blocks; the first changes the number of channels from `below` to `above`."""

    def __init__(self, below: int, above: int) -> None:
        super().__init__()
        self.first = _ResidualBlock(below, above)
        self.second = _ResidualBlock(above, above)

    def forward(self, values_BCL: Tensor, mask_BL: Tensor) -> Tensor:
        result: Tensor = self.second(self.first(values_BCL, mask_BL), mask_BL)
        return result
