"""`FeatureView`: some items of a feature cache, read by memory map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class FeatureView:
    """Rows of items in the order asked for; a row is a vector (or a picture).

    Processes that a view is sent to open the file again: nothing is copied.

    Attributes:
        lengths: rows of each item, (N,).

    Args:
        path: file of rows, one after the other.
        dtype: of a row's values.
        row_shape: (C,) for vectors.
        starts: first row of each item, (N,).
        lengths: rows of each item, (N,).
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        row_shape: tuple[int, ...],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> None:
        self.path = path
        self.dtype = dtype
        self.row_shape = row_shape
        self.lengths = lengths
        self._starts = starts
        self._rows = self._open()

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, item: int) -> NDArray[Any]:
        """Return the rows of one item, (n_i, C), without copying them."""
        start = self._starts[item]
        rows: NDArray[Any] = self._rows[start : start + self.lengths[item]]
        return rows

    def batch(self, items: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return some items as one padded batch: rows (B, T, C) with zeros behind, mask (B, T); T the longest."""
        chosen = np.asarray(items, dtype=np.int64)
        starts, lengths = self._starts[chosen], self.lengths[chosen]
        longest = int(lengths.max(initial=0))
        batch = np.zeros((len(chosen), longest, *self.row_shape), dtype=self.dtype)
        for place, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
            batch[place, :length] = self._rows[start : start + length]
        mask = np.arange(longest) < lengths[:, None]
        return torch.from_numpy(batch), torch.from_numpy(mask)

    def _open(self) -> NDArray[Any]:
        if not len(self.lengths):
            return np.empty((0, *self.row_shape), dtype=self.dtype)
        count = int((self._starts + self.lengths).max())
        if count == 0:
            return np.empty((0, *self.row_shape), dtype=self.dtype)
        # A plain array over the map: indexing a memmap object costs several times more.
        return np.asarray(np.memmap(self.path, dtype=self.dtype, mode="r", shape=(count, *self.row_shape)))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_rows"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rows = self._open()
