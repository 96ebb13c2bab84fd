"""`PostDataset` and `PostBatch`: posts as tensors, with the earlier posts they may draw on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.posts import Post

Ints = NDArray[np.int64]
DAY_US = 86_400_000_000
_LONGEST_AGE_DAYS = 36_500.0


@dataclass(slots=True)
class PostBatch:
    """B posts as tensors. Letters: T tokens, P regions, H earlier posts, M hashtags.

    Attributes:
        rows: (B,) row of each post in its dataset.
        caption: (B, T) token numbers, or (B, T, C) features of a frozen encoder.
        caption_mask: (B, T) True for tokens, False for padding.
        caption_present: (B,) False for posts without a caption.
        image: (B, 3, S, S) pixels, or (B, P, C) features; None when no post of the batch has a picture.
        image_present: (B,) False for posts without a picture.
        history: (B, H) memory positions of the user's earlier posts, newest first, -1 for none.
        history_hashtags: (B, H, M) hashtag indices of these posts, -1 for none.
        history_age_days: (B, H) days between the earlier post and this one.
        history_similarity: (B, H) similarity of the captions, 0..1.
        neighbours, neighbour_hashtags, neighbour_age_days, neighbour_similarity: the same for the most similar earlier
            posts of all users.
        named: (B, W) indices of the hashtags that the caption names, -1 for none.
        targets: (B, M) hashtag indices of the post's own hashtags, -1 for none; only for losses and metrics.
        new_hashtags: (X,) hashtag indices outside the vocabulary among those of the earlier posts and those named,
            ascending.
    """

    rows: Tensor
    caption: Tensor
    caption_mask: Tensor
    caption_present: Tensor
    image: Tensor | None
    image_present: Tensor
    history: Tensor
    history_hashtags: Tensor
    history_age_days: Tensor
    history_similarity: Tensor
    neighbours: Tensor
    neighbour_hashtags: Tensor
    neighbour_age_days: Tensor
    neighbour_similarity: Tensor
    named: Tensor
    targets: Tensor
    new_hashtags: Tensor

    def to(self, device: torch.device) -> PostBatch:
        """Return the batch on a device; from pinned memory without waiting for the copy."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> PostBatch:
        """Return the batch in pinned memory; what is on a GPU stays there."""
        return self._each(lambda tensor: tensor if tensor.is_cuda else tensor.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> PostBatch:
        changed: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            changed[field.name] = value if value is None else change(value)
        return PostBatch(**changed)

    def __len__(self) -> int:
        return len(self.rows)


class CaptionInputs(Protocol):
    """Captions as network inputs: token numbers or features; `on_gpu`: whether batches come from a GPU's memory."""

    on_gpu: bool

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return (B, T) token numbers or (B, T, C) features, and the (B, T) mask."""

    def lengths(self) -> Ints:
        """Return the number of tokens of every caption."""

    def present(self) -> NDArray[np.bool_]:
        """Return which posts have a caption."""


class ImageInputs(Protocol):
    """Pictures as network inputs: pixels or features.

    Attributes:
        on_gpu: whether batches come from a GPU's memory.
        decodes: whether pictures are decoded whenever a batch asks for them.
    """

    on_gpu: bool
    decodes: bool

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return (B, 3, S, S) pixels or (B, P, C) features, zeros without a picture; None if no post has one."""

    def prefetch(self, batches: Sequence[Sequence[int]]) -> AbstractContextManager[None]:
        """Make these batches of rows ready in their order, while a `with` block asks for them."""

    def present(self) -> NDArray[np.bool_]:
        """Return which posts have a picture."""


class Memory(Protocol):
    """What a dataset reads from the memory of earlier posts (see `multimodal.memory.post_memory.PostMemory`)."""

    @property
    def vocabulary_size(self) -> int:
        """Number of hashtags in the vocabulary, which have the first indices."""

    @property
    def instants_us(self) -> Ints:
        """Times of the posts in memory, by position."""

    def hashtags_table(self, positions: Ints) -> Ints:
        """Return the hashtags of posts in memory, padded with -1."""


@dataclass(frozen=True, slots=True)
class Related:
    """Earlier posts that N posts may draw on.

    Attributes:
        positions: (N, H) positions in the memory, padded with -1.
        similarity: (N, H) similarity of the captions, 0..1.
    """

    positions: Ints
    similarity: NDArray[np.float32]

    @classmethod
    def nothing(cls, posts: int) -> Related:
        """Return no earlier posts for `posts` posts."""
        return cls(np.empty((posts, 0), np.int64), np.empty((posts, 0), np.float32))


class PostDataset:
    """Posts with their encoder inputs and the earlier posts they may draw on.

    Args:
        posts: N posts.
        captions: their caption inputs.
        images: their image inputs.
        memory: the memory that the positions of `history` and `neighbours` refer to.
        history: the user's own posts strictly before each post; None for none.
        neighbours: similar posts of all users strictly before each post; None for none.
        targets: hashtag indices of each post's hashtags; None when ranking.
        named: indices of the hashtags that each caption names; None for none.
    """

    def __init__(
        self,
        posts: Sequence[Post],
        captions: CaptionInputs,
        images: ImageInputs,
        memory: Memory,
        history: Related | None = None,
        neighbours: Related | None = None,
        targets: Sequence[Sequence[int]] | None = None,
        named: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.captions, self.images, self.memory = captions, images, memory
        self.targets, self.named = targets, named
        self.instants_us = np.array([post.instant_us for post in posts], np.int64)
        self.history = history or Related.nothing(len(posts))
        self.neighbours = neighbours or Related.nothing(len(posts))
        self._caption_present = captions.present()
        self._image_present = images.present()

    def __len__(self) -> int:
        return len(self.instants_us)

    def batch(
        self,
        rows: Sequence[int],
        drop_caption: NDArray[np.bool_] | None = None,
        drop_image: NDArray[np.bool_] | None = None,
        drop_history: NDArray[np.bool_] | None = None,
    ) -> PostBatch:
        """Return some rows as a batch.

        Args:
            rows: B rows of the dataset.
            drop_caption: (N,) posts to treat as if they had no caption (modality dropout).
            drop_image: (N,) the same for pictures.
            drop_history: (N,) the same for the user's earlier posts.
        """
        index = np.asarray(rows, np.int64)
        caption, caption_mask = self.captions.batch(rows)
        caption_present = _kept(self._caption_present[index], drop_caption, index)
        image_present = _kept(self._image_present[index], drop_image, index)
        history = self.history.positions[index]
        if drop_history is not None:
            history = np.where(drop_history[index][:, None], -1, history)
        neighbours = self.neighbours.positions[index]
        tables = self.memory.hashtags_table(history), self.memory.hashtags_table(neighbours)
        named, targets = (
            pad([()] * len(rows) if lists is None else [lists[row] for row in rows])
            for lists in (self.named, self.targets)
        )
        image = self.images.batch(rows) if image_present.any() else None
        # A picture that is decoded only now can turn out to be damaged.
        image_present &= self._image_present[index]
        return PostBatch(
            rows=torch.from_numpy(index),
            caption=caption,
            caption_mask=caption_mask,
            caption_present=torch.from_numpy(caption_present),
            image=image,
            image_present=torch.from_numpy(image_present),
            history=torch.from_numpy(history),
            history_hashtags=torch.from_numpy(tables[0]),
            history_age_days=self._ages(index, history),
            history_similarity=torch.from_numpy(self.history.similarity[index]),
            neighbours=torch.from_numpy(neighbours),
            neighbour_hashtags=torch.from_numpy(tables[1]),
            neighbour_age_days=self._ages(index, neighbours),
            neighbour_similarity=torch.from_numpy(self.neighbours.similarity[index]),
            named=named,
            targets=targets,
            new_hashtags=new_hashtags((*tables, named.numpy()), self.memory.vocabulary_size),
        )

    def _ages(self, index: Ints, positions: Ints) -> Tensor:
        if not len(self.memory.instants_us):
            return torch.zeros(positions.shape)
        then = self.memory.instants_us[np.maximum(positions, 0)].astype(np.float64)
        # In floating point, because the time between a dated and an undated post overflows an integer.
        days = (self.instants_us[index].astype(np.float64)[:, None] - then) / DAY_US
        return torch.from_numpy(np.where(positions >= 0, np.clip(days, 0, _LONGEST_AGE_DAYS), 0).astype(np.float32))


def _kept(present: NDArray[np.bool_], drop: NDArray[np.bool_] | None, index: Ints) -> NDArray[np.bool_]:
    return present if drop is None else present & ~drop[index]


def new_hashtags(tables: Sequence[Ints], vocabulary_size: int) -> Tensor:
    """Return the hashtag indices outside the vocabulary, (X,) int64, ascending.

    >>> new_hashtags([np.array([[7, 1, -1]]), np.array([[5, 7]])], vocabulary_size=4).tolist()
    [5, 7]
    """
    outside = [table[table >= vocabulary_size] for table in tables]
    return torch.from_numpy(np.unique(np.concatenate([np.empty(0, np.int64), *outside])))


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return (B, M) int64 padded with -1; M is the length of the longest row, at least 1.

    >>> pad([[3, 1], [], [2]]).tolist()
    [[3, 1], [-1, -1], [2, -1]]
    """
    longest = max([len(row) for row in rows] + [1])
    padded = np.full((len(rows), longest), -1, np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return torch.from_numpy(padded)


def bucketed_batches(
    lengths: Ints, batch_size: int, seed: int, epoch: int, drop_last: bool = True, window_batches: int = 50
) -> list[list[int]]:
    """Cut a shuffled epoch into batches of posts of similar length.

    The posts are shuffled, sorted by length within windows of `window_batches` batches, cut into batches, and the
    batches shuffled: little padding, yet another order every epoch. The result depends only on the arguments, so that
    training can resume in the middle of an epoch.

    Args:
        lengths: (N,) caption lengths in tokens.
        batch_size: posts per batch.
        seed, epoch: determine the order.
        drop_last: leave out posts that do not fill a batch, different ones every epoch, unless it is the only batch.
        window_batches: number of batches that are sorted together, at least 1; 1 for batches of mixed lengths.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(lengths))
    # Before sorting: afterwards, the posts left over would be the longest, the same ones every epoch.
    if drop_last and len(order) > batch_size:
        order = order[: len(order) // batch_size * batch_size]
    window = window_batches * batch_size
    parts = [order[start : start + window] for start in range(0, len(order), window)]
    order = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts]) if parts else order
    batches = [order[start : start + batch_size].tolist() for start in range(0, len(order), batch_size)]
    generator.shuffle(batches)
    return batches
