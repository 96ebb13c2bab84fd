"""`TrainBatches`: the train posts of an epoch, batch by batch: what is dropped, and the targets of a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.batches import PostBatch, PostDataset
from multimodal.encoders.preprocessing import Augmentation
from multimodal.systems.post_networks.sequences.targets import TargetSequences

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrainBatch:
    """B train posts, and the S hashtags before and at each step of the sequence head, each (B, S)."""

    posts: PostBatch
    previous: Tensor
    following: Tensor

    def to(self, device: torch.device) -> TrainBatch:
        """Return the batch on a device; from pinned memory without waiting for the copy."""
        steps = (tensor.to(device, non_blocking=True) for tensor in (self.previous, self.following))
        return TrainBatch(self.posts.to(device), *steps)

    def pin_memory(self) -> TrainBatch:
        """Return the batch in pinned memory."""
        return TrainBatch(self.posts.pin_memory(), self.previous.pin_memory(), self.following.pin_memory())


@dataclass(frozen=True, slots=True)
class DropRates:
    """The share of posts trained without their caption (and without their image), and without their history."""

    modality: float
    history: float = 0.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """Which of N train posts go without caption, image or history in one epoch, each (N,)."""

    caption: Flags
    image: Flags
    history: Flags

    @classmethod
    def choose(cls, train: PostDataset, rates: DropRates, seed: int, epoch: int) -> Dropped:
        """Choose by seed and epoch: never both caption and image of a post, and never the only one it has."""
        generator = np.random.default_rng([seed, epoch, 1])
        drawn = generator.random(len(train))
        rate = rates.modality
        return cls(
            caption=(drawn < rate) & train.images.present(),
            image=(drawn > 1 - rate) & train.captions.present(),
            history=generator.random(len(train)) < rates.history,
        )


class TrainBatches:
    """Makes train batches; what it makes depends on rows and epoch alone, in whichever process.

    Args:
        train: the train posts.
        sequences: their target sequences.
        rates: what is dropped.
        seed: decides of which posts.
        augmentation: of pictures; None for none.
    """

    def __init__(
        self,
        train: PostDataset,
        sequences: TargetSequences,
        rates: DropRates,
        seed: int,
        augmentation: Augmentation | None,
    ) -> None:
        self._train, self._sequences, self._augmentation = train, sequences, augmentation
        self._rates, self._seed = rates, seed
        self._dropped, self._dropped_epoch = Dropped.choose(train, rates, seed, 0), 0

    def __call__(self, rows: list[int], epoch: int) -> TrainBatch:
        """Return some train posts as a batch of an epoch.

        Raises:
            DataError: a picture cannot be used.
        """
        if self._dropped_epoch != epoch:
            self._dropped, self._dropped_epoch = Dropped.choose(self._train, self._rates, self._seed, epoch), epoch
        batch = self._train.batch(rows, self._dropped.caption, self._dropped.image, self._dropped.history)
        if self._augmentation is not None and batch.image is not None:
            seen = torch.nonzero(batch.image_present).flatten()
            views = self._augmentation.views(batch.image[seen], batch.rows[seen].tolist(), self._seed, epoch)
            batch.image[seen] = views
        return TrainBatch(batch, *self._sequences.batch(rows, epoch))
