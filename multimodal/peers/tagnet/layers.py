"""The two modules of TAGNet: triplet attention and aggregated graph convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.peers.guided_attention import GuidedAttention
from multimodal.systems.post_networks.attention import masked_mean


class TripletAttention(nn.Module):
    """Mutual attention of caption, picture and user: each is attended to under the guidance of the two others.

    t = words | v_0 + u_0; v = regions | t_0 + u_0; u = own posts | t_0 + v_0, with t_0, v_0 and u_0 the means. Without
    own posts u_0 and u are a learned vector.

    Args:
        width: D.
        hidden: of the attention.
        dropout: in the attention, 0..1.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.over_words = GuidedAttention(width, hidden, dropout)
        self.over_regions = GuidedAttention(width, hidden, dropout)
        self.over_posts = GuidedAttention(width, hidden, dropout)
        self.start = nn.Parameter(torch.randn(width) * 0.1)

    def forward(
        self, words: tuple[Tensor, Tensor], regions: tuple[Tensor, Tensor], posts: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return the node feature t + v + u, (B, D).

        Args:
            words, regions, posts: vectors (B, ·, D) and mask (B, ·) of each.
        """
        known = posts[1].any(1, keepdim=True)
        text_BD, image_BD, user_BD = (masked_mean(*one) for one in (words, regions, posts))
        user_BD = torch.where(known, user_BD, self.start)
        attended_BD: Tensor = self.over_words(*words, image_BD + user_BD)
        attended_BD = attended_BD + self.over_regions(*regions, text_BD + user_BD)
        own_BD = self.over_posts(*posts, text_BD + image_BD)
        return attended_BD + torch.where(known, own_BD, self.start)


class AggregatedGraphConvolution(nn.Module):
    """Graph convolution over a post and its K neighbours, and the sum of what all layers say of the post.

    With similarities s_k: n_0 ← ReLU(W (n_0 + Σ_k s_k n_k) / (1 + Σ_k s_k)); n_k ← ReLU(W (n_k + s_k n_0) / (1 + s_k)).
    The post itself is linked to each neighbour; links among neighbours are left out.

    Args:
        width: D.
        layers: how often neighbours are aggregated.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, node_BD: Tensor, neighbours_BKD: Tensor, similarity_BK: Tensor) -> Tensor:
        """Return the aggregated node, (B, D).

        Args:
            node_BD: n_0.
            neighbours_BKD: n_k.
            similarity_BK: s_k, 0 where there is no neighbour.
        """
        weights_BK1 = similarity_BK.unsqueeze(-1)
        total_BD = node_BD
        for layer in self.layers:
            around_BD = (weights_BK1 * neighbours_BKD).sum(1)
            updated_BD = torch.relu(layer((node_BD + around_BD) / (1 + weights_BK1.sum(1))))
            linked_BKD = (neighbours_BKD + weights_BK1 * node_BD.unsqueeze(1)) / (1 + weights_BK1)
            neighbours_BKD, node_BD = torch.relu(layer(linked_BKD)), updated_BD
            total_BD = total_BD + node_BD
        return total_BD
