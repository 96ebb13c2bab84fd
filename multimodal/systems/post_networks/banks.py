"""Banks: the content vectors of the earlier posts that a batch attends to."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.batches import PostBatch

Floats = NDArray[np.float32]
# A bank larger than this is kept on disk.
_IN_MEMORY_BYTES = 2**32


class Bank(Protocol):
    """Content vectors of all remembered posts, given for one batch at a time."""

    def place(self, batch: PostBatch) -> tuple[PostBatch, Tensor]:
        """Return the batch on the network's device, and vectors (N, D) there that its positions are rows of."""


class WholeBank:
    """All vectors, on one device.

    Args:
        vectors: (N, D).
    """

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors

    def place(self, batch: PostBatch) -> tuple[PostBatch, Tensor]:
        """Return the batch and all vectors."""
        return batch.to(self.vectors.device), self.vectors


class GatheredBank:
    """Vectors that are read where they lie, only those that a batch attends to.

    Args:
        at: positions, ascending → their vectors.
        device: of the network.
    """

    def __init__(self, at: Callable[[NDArray[np.int64]], Floats], device: torch.device) -> None:
        self._at, self._device = at, device

    def place(self, batch: PostBatch) -> tuple[PostBatch, Tensor]:
        """Return the batch with positions of its own, and the vectors of just these posts."""
        related = [batch.history.cpu().numpy(), batch.neighbours.cpu().numpy()]
        used = np.unique(np.concatenate([positions[positions >= 0] for positions in related]))
        history, neighbours = (
            torch.from_numpy(np.where(positions >= 0, np.searchsorted(used, positions), -1)) for positions in related
        )
        vectors = torch.from_numpy(self._at(used)).to(self._device)
        return replace(batch, history=history, neighbours=neighbours).to(self._device), vectors


def bank_of(vectors: Tensor, device: torch.device) -> Bank:
    """Return a bank of vectors (N, D): on the device, or gathered from where they are if they are very many."""
    if vectors.numel() * vectors.element_size() <= _IN_MEMORY_BYTES:
        return WholeBank(vectors.to(device))
    return GatheredBank(lambda positions: vectors[torch.from_numpy(positions)].numpy(), device)


def room_for(shape: tuple[int, ...]) -> Floats:
    """Return an array to be filled, float32; in a file without a name if it is very large."""
    size = 4 * math.prod(shape)
    if size <= _IN_MEMORY_BYTES:
        return np.empty(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        mapped: np.memmap[Any, np.dtype[np.float32]] = np.memmap(file, np.float32, "r+", shape=shape)
        return np.asarray(mapped)
