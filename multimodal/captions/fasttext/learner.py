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
from multimodal.captions.validation import hit_figures
from multimodal.distributed.processes import map_processes
from multimodal.training.lazy_adam import LazyAdam

_JUDGED_AT_ONCE = 512


class FastTextLearner:
    """Trains a `FastTextNetwork`; see `multimodal.training.trainer.Learner` and `OwnOptimiser`.

    Args:
        network: is trained.
        config: how.
        train: posts with a caption and a hashtag of the vocabulary, oldest first.
        validation: posts with a hashtag.
        popular: (V,) hashtags, the most frequent first: what captions without a known word get.
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
        self.module: nn.Module = network
        self._bags, self._validation_bags = (
            CaptionBags(network.encoder, posts.captions) for posts in (train, validation)
        )
        self._known = self._validation_bags.known()
        self._hashtags = Ragged.of(train.targets)
        self._validation, self._popular = validation, popular
        self._epoch_draws: tuple[int, NDArray[np.float64]] = (-1, np.empty(0))
        self._device = torch.device("cpu")

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the vectors, which may have a rate of their own, and the output layer."""
        rate = self.config.training.learning_rate
        encoder = self.network.encoder
        vectors = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        groups = [{"params": vectors, "lr": encoder.default_learning_rate or rate}] if vectors else []
        return [*groups, {"params": list(self.network.output.parameters()), "lr": rate}]

    def optimiser(self) -> torch.optim.Optimizer:
        """Return one that takes sparse gradients."""
        groups, rate = self.parameter_groups(), self.config.training.learning_rate
        if self.config.optimiser == "adam":
            return LazyAdam(groups, rate)
        # The loss is a batch's mean; its sum is what one post after the other would add up to.
        posts = len(self._bags) / len(self.batches(0))
        return torch.optim.SGD([{**group, "lr": group["lr"] * posts} for group in groups], rate * posts)

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the rows of each batch of an epoch; batches differ by one post at most."""
        rows = np.arange(len(self._bags))
        if self.config.order == "random":
            rows = np.random.default_rng([self.config.seed, epoch]).permutation(rows)
        count = -(-len(rows) // self.config.training.batch_size)
        return [part.tolist() for part in np.array_split(rows, count)]

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Take note of the device."""
        self._device = device

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of some train posts."""
        targets = self.network.output.targets(*self._pairs(rows, epoch))
        bags = self._bags.batch(rows).to(self._device)
        return module(bags, *(target.to(self._device) for target in targets)).mean(), {}

    def _pairs(self, rows: Sequence[int], epoch: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]:
        """Return rows of the batch, a hashtag of each, and its share in the post's loss."""
        found = self._hashtags.take(rows)
        posts = np.arange(len(rows))
        if self.config.labels == "random" and self.config.loss != "one_versus_all":
            chosen = found.starts + (self._draws(epoch)[rows] * found.lengths).astype(np.int64)
            return posts, found.values[chosen], np.ones(len(rows), np.float32)
        shares = np.repeat((1 / found.lengths).astype(np.float32), found.lengths)
        return np.repeat(posts, found.lengths), found.values, shares

    def _draws(self, epoch: int) -> NDArray[np.float64]:
        """Return a number from [0, 1) for each train post; depends on seed and epoch alone."""
        if self._epoch_draws[0] != epoch:
            draws = np.random.default_rng([self.config.seed, epoch, 1]).random(len(self._bags))
            self._epoch_draws = (epoch, draws)
        return self._epoch_draws[1]

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts."""
        k, posts = self.config.training.validation_k, self._validation
        hits = map_processes(range(len(posts)), lambda rows: self._hits(rows, k))
        return hit_figures(hits, posts.truth_sizes, k)

    @torch.no_grad()
    def _hits(self, rows: Sequence[int], k: int) -> list[int]:
        self.network.eval()
        length = min(k, self._validation.vocabulary_size)
        found: list[int] = []
        for start in range(0, len(rows), _JUDGED_AT_ONCE):
            part = list(rows[start : start + _JUDGED_AT_ONCE])
            vectors = self.network.vectors(self._validation_bags.batch(part).to(self._device))
            named = self.network.output.log_probabilities(vectors).topk(length, 1).indices.cpu().numpy()
            named[~self._known[part]] = self._popular[:length]
            truths = (self._validation.targets[row] for row in part)
            found += [len(set(row) & set(truth)) for row, truth in zip(named.tolist(), truths, strict=True)]
        return found

    def tensors(self) -> dict[str, Tensor]:
        """Return nothing: an epoch is told by its number."""
        return {}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Take note of the device."""
        self.start_epoch(0, device)

    def weights(self) -> dict[str, Tensor]:
        """Return all weights."""
        weights: dict[str, Tensor] = self.network.state_dict()
        return weights

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take back what `weights` gave."""
        self.network.load_state_dict(weights)
