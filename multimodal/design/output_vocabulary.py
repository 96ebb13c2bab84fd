"""Columns of a batch's answer: the vocabulary, then the hashtags outside of it that memory can name."""

from __future__ import annotations

import torch
from torch import Tensor


class OutputVocabulary:
    """Maps hashtag indices to columns: V vocabulary columns, then X for what only the memory knows.

    Args:
        vocabulary_size: V; hashtag indices below it are their own column.
        remembered: tables of hashtag indices that may be copied, -1 for none.
    """

    def __init__(self, vocabulary_size: int, remembered: list[Tensor]) -> None:
        self.vocabulary_size = vocabulary_size
        outside = [table[table >= vocabulary_size] for table in remembered]
        self.extra = torch.unique(torch.cat(outside)) if outside else torch.empty(0, dtype=torch.long)

    def __len__(self) -> int:
        return self.vocabulary_size + len(self.extra)

    def of(self, indices: Tensor) -> Tensor:
        """Return the column of each hashtag index, -1 where it has none; same shape."""
        if not len(self.extra):
            return torch.where(indices < self.vocabulary_size, indices, -1)
        place = torch.searchsorted(self.extra, indices).clamp(max=len(self.extra) - 1)
        found = self.extra[place] == indices
        outside = torch.where(found, self.vocabulary_size + place, -1)
        return torch.where(indices < self.vocabulary_size, indices, outside)

    def indices(self) -> Tensor:
        """Return the hashtag index of every column, (C,)."""
        vocabulary = torch.arange(self.vocabulary_size, device=self.extra.device)
        return torch.cat([vocabulary, self.extra])
