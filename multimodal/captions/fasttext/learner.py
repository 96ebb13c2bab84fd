"""`FastTextLearner`: how `fasttext` learns and is validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from multimodal.captions.fasttext.caption_bags import CaptionBags
from multimodal.captions.fasttext.config import FastTextConfig
from multimodal.captions.fasttext.network import FastTextNetwork
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.ragged import Ragged
from multimodal.captions.validation import validation_scores
from multimodal.training.base_learner import BaseLearner
from multimodal.training.lazy_adam import LazyAdam
from multimodal.training.validation_f1 import count_hits

_VALIDATION_BATCH = 512


class FastTextLearner(BaseLearner):
    """Trains a `FastTextNetwork`.

    Args:
        network: is trained.
        config: how.
        train: posts with a caption and a hashtag of the vocabulary, oldest first.
        validation: posts with a hashtag.
        popular: (V,) hashtags, the most frequent first: the ranking of captions without a known word.
    """

    def __init__(
        self,
        network: FastTextNetwork,
        config: FastTextConfig,
        train: LabelledCaptions,
        validation: LabelledCaptions,
        popular: NDArray[np.int64],
    ) -> None:
        self.network, self.config = network, config
        self._bags, self._validation_bags = (
            CaptionBags(network.encoder, posts.captions) for posts in (train, validation)
        )
        super().__init__(network, config.training, config.seed, self._bags.lengths())
        self._known = self._validation_bags.known()
        self._hashtags = Ragged.of(train.targets)
        self._validation, self._popular = validation, popular
        self._epoch_draws: tuple[int, NDArray[np.float64]] = (-1, np.empty(0))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the vectors, which may have their own rate, and the output layer."""
        rate = self.config.training.learning_rate
        encoder = self.network.encoder
        vectors = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        groups = [{"params": vectors, "lr": encoder.default_learning_rate or rate}] if vectors else []
        return [*groups, {"params": list(self.network.output.parameters()), "lr": rate}]

    def optimiser(self) -> torch.optim.Optimizer:
        """Return an optimiser that accepts sparse gradients."""
        groups, rate = self.parameter_groups(), self.config.training.learning_rate
        if self.config.optimiser == "adam":
            return LazyAdam(groups, rate)
        # The loss is the mean of a batch; fastText updates after each post, which adds up to the sum.
        posts = len(self._bags) / len(self.batches(0))
        return torch.optim.SGD([{**group, "lr": group["lr"] * posts} for group in groups], rate * posts)

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the rows of each batch of an epoch; the sizes of batches differ by one at most."""
        rows = np.arange(len(self._bags))
        if self.config.order == "random":
            rows = np.random.default_rng([self.config.seed, epoch]).permutation(rows)
        count = -(-len(rows) // self.config.training.batch_size)
        return [part.tolist() for part in np.array_split(rows, count)]

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of some train posts."""
        targets = self.network.output.targets(*self._pairs(rows, epoch))
        bags = self._bags.batch(rows).to(self.device)
        return module(bags, *(target.to(self.device) for target in targets)).mean(), {}

    def _pairs(self, rows: Sequence[int], epoch: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]:
        """Return rows of the batch, a hashtag of each, and its share in the post's loss."""
        hashtags = self._hashtags.take(rows)
        posts = np.arange(len(rows))
        if self.config.labels == "random" and self.config.loss != "one_versus_all":
            chosen = hashtags.starts + (self._draws(epoch)[rows] * hashtags.lengths).astype(np.int64)
            return posts, hashtags.values[chosen], np.ones(len(rows), np.float32)
        shares = np.repeat((1 / hashtags.lengths).astype(np.float32), hashtags.lengths)
        return np.repeat(posts, hashtags.lengths), hashtags.values, shares

    def _draws(self, epoch: int) -> NDArray[np.float64]:
        """Return a number from [0, 1) for each train post; depends on seed and epoch alone."""
        if self._epoch_draws[0] != epoch:
            draws = np.random.default_rng([self.config.seed, epoch, 1]).random(len(self._bags))
            self._epoch_draws = (epoch, draws)
        return self._epoch_draws[1]

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts."""
        k, posts = self.training.validation_k, self._validation
        return validation_scores(lambda rows: self._hits(list(rows), k), posts, k, _VALIDATION_BATCH)

    @torch.no_grad()
    def _hits(self, rows: list[int], k: int) -> list[int]:
        self.network.eval()
        length = min(k, self._validation.vocabulary_size)
        vectors = self.network.vectors(self._validation_bags.batch(rows).to(self.device))
        top = self.network.output.log_probabilities(vectors).topk(length, 1).indices.cpu().numpy()
        top[~self._known[rows]] = self._popular[:length]
        return count_hits(top, [self._validation.targets[row] for row in rows])
