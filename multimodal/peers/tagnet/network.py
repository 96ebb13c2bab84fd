"""The network of TAGNet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.peers.hashtag_means import HashtagMeans
from multimodal.peers.network import ClassifierNetwork
from multimodal.peers.tagnet.config import TagnetConfig
from multimodal.peers.tagnet.layers import AggregatedGraphConvolution, TripletAttention
from multimodal.systems.post_networks.attention import masked_mean
from multimodal.systems.post_networks.network import Content, bank_rows


@dataclass(slots=True)
class TripletContent(Content):
    """The content of B posts, and their words and regions, each with its mask, that triplet attention reads."""

    words: tuple[Tensor, Tensor]
    regions: tuple[Tensor, Tensor]


class TagnetNetwork(ClassifierNetwork):
    """Words, regions and own posts → triplet attention → node; node and neighbours → graph convolution → logits.

    What is kept of a post, x = t_0 + v_0, the means of its words and of its regions, is made of the post alone, so that
    it is the same whenever it is computed. An earlier post is read as tanh(W [x; g]), g the mean embedding of its
    hashtags.

    Args: as in `PeerNetwork`.
    """

    remembers = True

    def __init__(
        self,
        config: TagnetConfig,
        vocabulary_size: int,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
    ) -> None:
        super().__init__(config, vocabulary_size, caption_encoder, image_encoder)
        width = config.width
        self.hashtags = HashtagMeans(vocabulary_size, width)
        self.earlier = nn.Linear(2 * width, width)
        self.triplet = TripletAttention(width, config.attention_width, config.dropout)
        self.graph = AggregatedGraphConvolution(width, config.graph.layers)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(width, vocabulary_size)

    def encode(self, batch: PostBatch) -> TripletContent:
        """Return x, and the words and regions."""
        words, regions = self.words(batch), self.regions(batch)
        return TripletContent(masked_mean(*words) + masked_mean(*regions), words, regions)

    def joined(self, content: TripletContent, batch: PostBatch, bank: Tensor) -> Tensor:
        """Return the node of each post, joined with those of its neighbours, (B, D)."""
        own = self._read(bank, batch.history, batch.history_hashtags), batch.history >= 0
        node_BD = self.triplet(content.words, content.regions, own)
        neighbours = self._read(bank, batch.neighbours, batch.neighbour_hashtags)
        # A picture that is left out while training has no neighbours either.
        linked_BK = (batch.neighbours >= 0) & batch.image_present.unsqueeze(1)
        joined_BD: Tensor = self.graph(node_BD, neighbours, batch.neighbour_similarity * linked_BK)
        return joined_BD

    def _read(self, bank: Tensor, positions_BH: Tensor, hashtags_BHM: Tensor) -> Tensor:
        """Return earlier posts, (B, H, D), of any value where there is none."""
        joined = torch.cat([bank_rows(bank, positions_BH), self.hashtags(hashtags_BHM)], dim=-1)
        return torch.tanh(self.earlier(joined))
