"""`PostLearner`: how a network over posts learns, whatever its loss, and is validated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_loaders.posts import Post
from multimodal.distributed.processes import map_processes
from multimodal.encoders.features.batches_ahead import BatchesAhead
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.post_networks.banks import WholeBank, bank_of
from multimodal.systems.post_networks.config import PostNetworkConfig
from multimodal.systems.post_networks.learning_data import LearningData
from multimodal.systems.post_networks.network import CompiledPostNetwork
from multimodal.systems.post_networks.scoring import PostScorer
from multimodal.systems.post_networks.sequences.targets import TargetSequences
from multimodal.systems.post_networks.train_batches import DropRates, TrainBatch, TrainBatches
from multimodal.training.base_learner import BaseLearner, encoder_rate


class PostLearner(BaseLearner):
    """Trains the network of a `PostScorer` on the train split and validates it, rolling, on the validation split.

    Train posts remember train posts only, validation posts remember both splits. The content vectors of the
    remembered posts are computed once an epoch, without gradient. A subclass implements `loss` and `validate`.

    Args:
        config: how to learn.
        scorer: of the network that learns.
        id_map: the vocabulary.
        train, validation: the two splits.
        rates: what is dropped.
        order, steps: of the target sequences, see `TargetSequences`.

    Raises:
        DataError: no train post has a hashtag of the vocabulary, or no validation post has any hashtag.
    """

    def __init__(
        self,
        config: PostNetworkConfig,
        scorer: PostScorer,
        id_map: HashtagIdMap,
        train: Sequence[Post],
        validation: Sequence[Post],
        rates: DropRates,
        order: str = "frequency",
        steps: int = 0,
    ) -> None:
        self.scorer, self.network, self._vocabulary_size = scorer, scorer.network, id_map.vocabulary_size
        self._data = LearningData.build(scorer.datasets, id_map.vocabulary(), train, validation, scorer.device)
        self._mean_targets = float(np.mean([len(row) for row in self._data.targets]))
        sequences = TargetSequences(self._data.targets, id_map.vocabulary_size, order, steps, config.seed)
        super().__init__(self.network, config.training, config.seed, self._data.train.captions.lengths())
        encoders, image = self.network.encoders, self.network.image_encoder
        self.frozen = tuple(prefix for prefix, encoder in encoders.items() if encoder.frozen)
        augmentation = None if image is None else image.augmentation
        self._make = TrainBatches(self._data.train, sequences, rates, config.seed, augmentation)
        self._width = config.width
        self.load_tensors({"bank": torch.zeros(len(self._data.contents), self._width)}, torch.device("cpu"))
        self._ahead: Iterator[TrainBatch] | None = None
        self._makers: BatchesAhead[TrainBatch] | None = None

    @property
    def remembers(self) -> bool:
        """Whether the network reads content vectors of earlier posts."""
        return False

    def compiled(self) -> nn.Module:
        """Return the network with compiled encoders and everything up to the content of a post."""
        return CompiledPostNetwork(self.network)

    def trained_encoders(self) -> dict[str, nn.Module]:
        """Return the encoders that are not frozen."""
        encoders = self.network.encoders.items()
        return {prefix.removesuffix("."): encoder for prefix, encoder in encoders if not encoder.frozen}

    def learning_rate(self, name: str, parameter: nn.Parameter) -> float:
        """Return the rate of the encoder that a parameter belongs to, or the training's."""
        for prefix, encoder in self.network.encoders.items():
            if name.startswith(prefix):
                return encoder_rate(encoder, self.training)
        return self.training.learning_rate

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Compute the content vectors of all remembered posts on `device`; zeros if the network remembers nothing."""
        vectors = torch.zeros(len(self._data.contents), self._width)
        if self.remembers:
            vectors = torch.from_numpy(self.scorer.contents(self._data.contents))
        self.load_tensors({"bank": vectors}, device)

    @contextmanager
    def prefetch(self, batches: list[list[int]], epoch: int) -> Iterator[None]:
        """Let workers make these batches in their order, while a `with` block asks for their loss."""
        if self._makers is None:
            self._makers = BatchesAhead(self._make, self._data.workers, self._device.type == "cuda")
        self._ahead = self._makers.made([(rows, epoch) for rows in batches])
        try:
            yield
        finally:
            self._ahead = None

    def made(self, rows: list[int], epoch: int) -> tuple[TrainBatch, Tensor]:
        """Return some train posts as a batch on the device, and the bank for it."""
        made = next(self._ahead) if self._ahead else self._make(rows, epoch)
        batch, bank = self._bank.place(made.posts)
        return replace(made, posts=batch).to(self._device), bank

    def hits(self, alphas: Sequence[float]) -> NDArray[np.float64]:
        """Return how many true hashtags of each validation post are among the first K, (N, alphas)."""
        k, truth = self.training.validation_k, self._data.truth

        def count(rows: Sequence[int]) -> list[list[int]]:
            wanted = [truth[row] for row in rows]
            return self.scorer.hits(self._data.validation, rows, wanted, self._bank, k, alphas, self._vocabulary_size)

        return np.array(map_processes(range(len(truth)), count), np.float64)

    def tensors(self) -> dict[str, Tensor]:
        """Return the content vectors of the running epoch."""
        return {"bank": self._vectors}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Restore the content vectors of an epoch that is resumed."""
        self._bank, self._device = bank_of(tensors["bank"], device), device
        self._vectors = self._bank.vectors if isinstance(self._bank, WholeBank) else tensors["bank"]
