"""Columns of a batch's output: the vocabulary, then remembered hashtags outside of it."""

from __future__ import annotations

import torch
from torch import Tensor


class OutputVocabulary:
    """Maps hashtag indices to columns: V columns of the vocabulary, then X of hashtags that only the memory has.

    Args:
        vocabulary_size: V; hashtag indices below it are their own column.
        extra: (X,) hashtag indices from V on that may be copied, ascending (`PostBatch.new_hashtags`).
    """

    def __init__(self, vocabulary_size: int, extra: Tensor) -> None:
        self.vocabulary_size, self.extra = vocabulary_size, extra

    def __len__(self) -> int:
        return self.vocabulary_size + len(self.extra)

    def of(self, indices: Tensor) -> Tensor:
        """Return the column of each hashtag index, -1 where it has none; same shape."""
        if not len(self.extra):
            return torch.where(indices < self.vocabulary_size, indices, -1)
        extra = torch.searchsorted(self.extra, indices).clamp(max=len(self.extra) - 1)
        outside = torch.where(self.extra[extra] == indices, self.vocabulary_size + extra, -1)
        return torch.where(indices < self.vocabulary_size, indices, outside)

    def indices(self) -> Tensor:
        """Return the hashtag index of every column, (C,)."""
        vocabulary = torch.arange(self.vocabulary_size, device=self.extra.device)
        return torch.cat([vocabulary, self.extra])
