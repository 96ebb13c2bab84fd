"""`coa`: alternating co-attention over caption and picture, then a softmax over hashtags."""

from __future__ import annotations

from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.peers.coa.alternating import AlternatingCoAttention
from multimodal.peers.coa.config import CoAConfig
from multimodal.peers.network import ClassifierNetwork
from multimodal.peers.system import ClassifierSystem
from multimodal.systems.post_networks.network import Content
from multimodal.systems.registry import register_system


class CoANetwork(ClassifierNetwork):
    """Words and regions → alternating co-attention → t + v → dropout → one logit per hashtag.

    Args: as in `PeerNetwork`.
    """

    def __init__(
        self,
        config: CoAConfig,
        vocabulary_size: int,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
    ) -> None:
        super().__init__(config, vocabulary_size, caption_encoder, image_encoder)
        self.interaction = AlternatingCoAttention(config.width, config.attention_width, config.dropout, config.layers)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.width, vocabulary_size)

    def encode(self, batch: PostBatch) -> Content:
        """Return t + v."""
        text_BD, image_BD = self.interaction(*self.words(batch), *self.regions(batch))
        return Content(text_BD + image_BD)

    def joined(self, content: Content, batch: PostBatch, bank: Tensor) -> Tensor:
        """Return t + v, (B, D)."""
        return content.vector


@register_system("coa")
class CoA(ClassifierSystem):
    """CoA (Zhang et al. 2017, doi 10.24963/ijcai.2017/478): caption and picture alone, without the user.

    The mean of the words attends to the regions, what it found to the words. The loss is the sum of -log p over a
    post's hashtags. Open in the paper, or ours: dropout in the attention, how often it is stacked (`layers`), one
    learned token for a missing caption or picture, the projection of both to one width.
    """

    config_type = CoAConfig
    config: CoAConfig

    def make_network(self, caption: CaptionEncoder | None, image: ImageEncoder | None) -> CoANetwork:
        """Return the untrained network around its encoders."""
        return CoANetwork(self.config, self.id_map.vocabulary_size, caption, image)
