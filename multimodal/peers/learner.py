"""`PeerLearner`: how a peer learns and is validated."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.peers.config import ClassifierConfig
from multimodal.peers.network import PeerNetwork
from multimodal.systems.post_networks.learner import PostLearner
from multimodal.systems.post_networks.scoring import PostScorer
from multimodal.systems.post_networks.train_batches import DropRates
from multimodal.training.base_learner import Losses
from multimodal.training.hashtag_losses import HashtagLesson
from multimodal.training.large_vocabulary import LARGE_VOCABULARY
from multimodal.training.losses import bce_loss, softmax_loss
from multimodal.training.validation_f1 import f1_of_hits


class PeerLearner(PostLearner):
    """A `PostLearner` that selects by F1@K; a subclass implements `loss`."""

    network: PeerNetwork

    @property
    def remembers(self) -> bool:
        """Whether the network reads content vectors of earlier posts."""
        return self.network.remembers

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts, and the hit rate."""
        hits = self.hits([1.0])[:, 0]
        f1 = f1_of_hits(hits, [len(row) for row in self._data.truth], self.training.validation_k)
        return {"score": float(f1), "hit_rate": float((hits > 0).mean())}


class ClassifierLearner(PeerLearner):
    """Trains a network that gives logits; arguments as in `PostLearner`."""

    def __init__(
        self,
        config: ClassifierConfig,
        scorer: PostScorer,
        id_map: HashtagIdMap,
        train: Sequence[Post],
        validation: Sequence[Post],
        rates: DropRates,
    ) -> None:
        self._loss = config.loss
        super().__init__(config, scorer, id_map, train, validation, rates)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, Losses]:
        """Return the mean loss of some train posts."""
        made, bank = self.made(rows, epoch)
        targets = made.posts.targets
        if self._vocabulary_size >= LARGE_VOCABULARY:
            return module(made.posts, bank, None, self._lesson(targets)).mean(), {}
        logits: Tensor = module(made.posts, bank).float()
        if self._loss == "bce":
            return bce_loss(logits, targets, self._mean_targets).mean(), {}
        summed = self._loss == "softmax_sum"
        return softmax_loss(torch.log_softmax(logits, -1), targets, summed).mean(), {}

    def _lesson(self, targets: Tensor) -> HashtagLesson:
        known = torch.where(targets < self._vocabulary_size, targets, -1)
        mean_targets = self._mean_targets if self._loss == "bce" else None
        return HashtagLesson(known, mean_targets, self._loss == "softmax_sum")
