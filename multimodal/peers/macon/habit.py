"""The tagging habit: what the hashtags of earlier posts say about a post, by how the posts correlate."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.peers.hashtag_means import HashtagMeans
from multimodal.systems.post_networks.attention import masked_softmax


class HabitMemory(nn.Module):
    """The influence of earlier posts (Zhang et al. 2019): u = Σ_j s_j g_j, s the correlation of p and p_j.

    `softmax`: s = softmax_j(p · p_j / √D); `cosine`: s_j = cos(p, p_j) / H. g_j is the mean embedding of the hashtags
    of post j. Without any earlier post u is a learned vector.

    Args:
        vocabulary_size: V.
        width: D.
        correlation: one of the two.
    """

    def __init__(self, vocabulary_size: int, width: int, correlation: Literal["softmax", "cosine"]) -> None:
        super().__init__()
        self._correlation = correlation
        self.hashtags = HashtagMeans(vocabulary_size, width)
        self.start = nn.Parameter(torch.zeros(width))

    def forward(self, content_BD: Tensor, vectors_BHD: Tensor, hashtags_BHM: Tensor, mask_BH: Tensor) -> Tensor:
        """Return the influence u, (B, D).

        Args:
            content_BD: p.
            vectors_BHD: p_j, without gradient.
            hashtags_BHM: hashtag indices of the earlier posts, -1 for none.
            mask_BH: True where there is an earlier post.
        """
        if self._correlation == "softmax":
            products_BH = (vectors_BHD @ content_BD.unsqueeze(-1)).squeeze(-1) * content_BD.shape[1] ** -0.5
            weights_BH = masked_softmax(products_BH, mask_BH)
        else:
            cosines_BH = F.cosine_similarity(vectors_BHD, content_BD.unsqueeze(1), dim=-1)
            weights_BH = cosines_BH * mask_BH / mask_BH.sum(1, keepdim=True).clamp(min=1)
        influence_BD = (weights_BH.unsqueeze(-1) * self.hashtags(hashtags_BHM)).sum(1)
        return torch.where(mask_BH.any(1, keepdim=True), influence_BD, self.start.to(influence_BD.dtype))
