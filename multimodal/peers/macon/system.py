"""`macon`: parallel co-attention over caption and picture, and the user's tagging habits from an external memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.peers.macon.config import MaconConfig
from multimodal.peers.macon.datasets import HabitDatasets
from multimodal.peers.macon.habit import HabitMemory
from multimodal.peers.network import ClassifierNetwork
from multimodal.peers.system import ClassifierSystem
from multimodal.systems.post_networks.attention import ParallelCoAttention
from multimodal.systems.post_networks.datasets import PostDatasets
from multimodal.systems.post_networks.network import Content, bank_rows
from multimodal.systems.post_networks.train_batches import DropRates
from multimodal.systems.registry import register_system


class MaconNetwork(ClassifierNetwork):
    """Words and regions → parallel co-attention → p = t + v; earlier posts → influence u; [p; u] → one logit a hashtag.

    Args: as in `PeerNetwork`.
    """

    remembers = True

    def __init__(
        self,
        config: MaconConfig,
        vocabulary_size: int,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
    ) -> None:
        super().__init__(config, vocabulary_size, caption_encoder, image_encoder)
        self.interaction = ParallelCoAttention(config.width, config.dropout, config.averaged)
        self.habit = HabitMemory(vocabulary_size, config.width, config.habit.correlation)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(2 * config.width, vocabulary_size)

    def encode(self, batch: PostBatch) -> Content:
        """Return p = t + v."""
        text_BD, image_BD = self.interaction(*self.words(batch), *self.regions(batch))
        return Content(text_BD + image_BD)

    def joined(self, content: Content, batch: PostBatch, bank: Tensor) -> Tensor:
        """Return [p; u], (B, 2 D)."""
        earlier_BHD = bank_rows(bank, batch.history)
        influence_BD = self.habit(content.vector, earlier_BHD, batch.history_hashtags, batch.history >= 0)
        return torch.cat([content.vector, influence_BD], dim=-1)


@register_system("macon")
class Macon(ClassifierSystem):
    """MACoN (Zhang et al. 2019, doi 10.1609/aaai.v33i01.33015805): co-attention and a memory of tagging habits.

    A sample of earlier posts with their hashtags is the external memory; what their hashtags say is weighed by how
    the posts correlate with this one, and joined with its content. The paper offers three samples (`habit.sampling`).
    Open in our sources, or ours: what a community is (posts of anybody with the user's most used hashtags), how a
    correlation becomes a weight (`habit.correlation`), that posts are drawn once and not every epoch, the content
    vectors of earlier posts without gradient, a learned vector for users without earlier posts, means instead of sums
    in the co-attention (`averaged`).
    """

    config_type = MaconConfig
    config: MaconConfig

    def make_network(self, caption: CaptionEncoder | None, image: ImageEncoder | None) -> MaconNetwork:
        """Return the untrained network around its encoders."""
        return MaconNetwork(self.config, self.id_map.vocabulary_size, caption, image)

    def make_datasets(self) -> PostDatasets:
        """Return what gives each post its external memory."""
        return HabitDatasets(self.config, self.network)

    @property
    def drop_rates(self) -> DropRates:
        """What is dropped in training: captions and pictures, and the external memory."""
        return DropRates(self.config.modality_dropout, self.config.habit.dropout)
