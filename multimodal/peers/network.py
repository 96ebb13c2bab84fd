"""`PeerNetwork`: the base of the networks of peers."""

from __future__ import annotations

from typing import ClassVar

from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.peers.config import PeerConfig
from multimodal.systems.post_networks.network import PostNetwork


class PeerNetwork(PostNetwork):
    """A network whose answer is a logit for every hashtag of the vocabulary, (B, V), unless a subclass says otherwise.

    Attributes:
        remembers: whether it reads content vectors of earlier posts.

    Args:
        config: sizes and choices.
        vocabulary_size: V.
        caption_encoder: gives (B, T, C); None leaves captions out.
        image_encoder: gives (B, P, C); None leaves pictures out.
    """

    remembers: ClassVar[bool] = False

    def __init__(
        self,
        config: PeerConfig,
        vocabulary_size: int,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
    ) -> None:
        super().__init__(caption_encoder, image_encoder, config.width, config.dropout, config.feature_precision)
        self.vocabulary_size = vocabulary_size
