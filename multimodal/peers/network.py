"""`PeerNetwork`: the base of the networks of peers, and `ClassifierNetwork`, of those that classify."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.peers.config import PeerConfig
from multimodal.systems.post_networks.network import PostNetwork
from multimodal.training.hashtag_losses import HashtagLesson, hashtag_losses


class PeerNetwork(PostNetwork):
    """The network of a peer; a subclass implements `encode` and `answer`.

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


class ClassifierNetwork(PeerNetwork):
    """A network whose answer is a logit for every hashtag; a subclass implements `encode` and `joined`, and sets these.

    Attributes:
        dropout: on what `joined` returns.
        output: the last layer, with a row for each hashtag.

    Args: as in `PeerNetwork`.
    """

    dropout: nn.Dropout
    output: nn.Linear

    @abstractmethod
    def joined(self, content: Any, batch: PostBatch, bank: Tensor) -> Tensor:
        """Return what hashtags are told by, (B, Z); the arguments are those of `answer`."""

    def answer(
        self,
        content: Any,
        batch: PostBatch,
        bank: Tensor,
        previous_BS: Tensor | None = None,
        lesson: HashtagLesson | None = None,
    ) -> Tensor:
        """Return logits, (B, V), or with a `lesson` the loss of each post, (B,), see `hashtag_losses`."""
        hidden = self.dropout(self.joined(content, batch, bank))
        if lesson is not None:
            return hashtag_losses(hidden, self.output, lesson)
        logits: Tensor = self.output(hidden)
        return logits
