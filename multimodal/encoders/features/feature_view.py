"""`FeatureView`: items of a feature cache, read from a memory-mapped file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class FeatureView:
    """The rows of N items in a file; a row is a vector (or a picture).

    A view that is sent to another process opens the file there: no rows are copied.

    Args:
        path: file of consecutive rows.
        dtype: of a row's values.
        row_shape: (C,) for vectors.
        starts: first row of each item, (N,).
        lengths: number of rows of each item, (N,).
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        row_shape: tuple[int, ...],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> None:
        self.path, self.dtype, self.row_shape = path, dtype, row_shape
        self.lengths, self._starts = lengths, starts
        self._rows = self._open()

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, item: int) -> NDArray[Any]:
        """Return the rows of one item, (n_i, C), without copying them."""
        start = self._starts[item]
        rows: NDArray[Any] = self._rows[start : start + self.lengths[item]]
        return rows

    def batch(self, items: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return items as one batch: rows (B, T, C), padded with zeros, and mask (B, T); T is the longest."""
        chosen = np.asarray(items, dtype=np.int64)
        starts, lengths = self._starts[chosen], self.lengths[chosen]
        longest = int(lengths.max(initial=0))
        batch = np.zeros((len(chosen), longest, *self.row_shape), dtype=self.dtype)
        for i, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
            batch[i, :length] = self._rows[start : start + length]
        mask = np.arange(longest) < lengths[:, None]
        return torch.from_numpy(batch), torch.from_numpy(mask)

    def _open(self) -> NDArray[Any]:
        count = int((self._starts + self.lengths).max(initial=0))
        if count == 0:
            return np.empty((0, *self.row_shape), dtype=self.dtype)
        # A plain array over the mapped file: indexing a memmap object is several times slower.
        return np.asarray(np.memmap(self.path, dtype=self.dtype, mode="r", shape=(count, *self.row_shape)))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_rows"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rows = self._open()
