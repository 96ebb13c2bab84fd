"""Alternating co-attention: the caption's mean looks at the picture, and what it saw looks at the caption."""

from __future__ import annotations

from torch import Tensor, nn

from multimodal.peers.guided_attention import GuidedAttention
from multimodal.systems.post_networks.attention import masked_mean


class AlternatingCoAttention(nn.Module):
    """t_0 = mean of the words; v = regions guided by t; t = words guided by v (Zhang et al. 2017).

    Args:
        width: D, of words and regions alike.
        hidden: of the attention.
        dropout: in the attention, 0..1.
        layers: how often picture and caption are looked at; each layer starts from the caption of the one before.
    """

    def __init__(self, width: int, hidden: int, dropout: float, layers: int) -> None:
        super().__init__()
        self.over_regions = nn.ModuleList(GuidedAttention(width, hidden, dropout) for _ in range(layers))
        self.over_words = nn.ModuleList(GuidedAttention(width, hidden, dropout) for _ in range(layers))

    def forward(
        self, words_BTD: Tensor, word_mask_BT: Tensor, regions_BPD: Tensor, region_mask_BP: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the attended caption t and image v, each (B, D)."""
        text_BD = masked_mean(words_BTD, word_mask_BT)
        image_BD = text_BD
        for over_regions, over_words in zip(self.over_regions, self.over_words, strict=True):
            image_BD = over_regions(regions_BPD, region_mask_BP, text_BD)
            text_BD = over_words(words_BTD, word_mask_BT, image_BD)
        return text_BD, image_BD
