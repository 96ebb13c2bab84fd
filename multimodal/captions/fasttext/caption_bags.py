"""`CaptionBags`: the word and n-gram vectors whose mean represents each caption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from multimodal.captions.ragged import Ragged
from multimodal.encoders.captions.fasttext import END, FastTextCaptionEncoder

_CAPTIONS_AT_ONCE = 2_048


class BagBatch(NamedTuple):
    """The bags of B captions, for `torch.nn.functional.embedding_bag`.

    Attributes:
        words, word_starts: rows of the word vectors, and the start of each caption in them, (B,).
        ngrams, ngram_starts: the same for n-gram vectors.
        sizes: (B, 1) number of vectors of each caption, at least 1.
    """

    words: Tensor
    word_starts: Tensor
    ngrams: Tensor
    ngram_starts: Tensor
    sizes: Tensor

    def to(self, device: torch.device) -> BagBatch:
        """Return the batch on a device."""
        return BagBatch(*(tensor.to(device) for tensor in self))


class CaptionBags:
    """The bags of N captions, computed once.

    Args:
        encoder: has the vectors.
        captions: cleaned.
    """

    def __init__(self, encoder: FastTextCaptionEncoder, captions: Sequence[str]) -> None:
        words, ngrams = [], []
        device = encoder.words.weight.device
        for start in range(0, len(captions), _CAPTIONS_AT_ONCE):
            ids, mask = encoder.pad(encoder.tokenise(captions[start : start + _CAPTIONS_AT_ONCE]))
            rows, hashed = encoder.rows(ids.to(device), mask.to(device))
            words.append(_without_zeros(rows))
            ngrams.append(_without_zeros(rows[:, :0] if hashed is None else hashed.flatten(1)))
        self._words, self._ngrams = Ragged.joined(words), Ragged.joined(ngrams)

    def __len__(self) -> int:
        return len(self._words)

    def lengths(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the number of vectors of each caption, (N,)."""
        sizes: np.ndarray[tuple[int], np.dtype[np.int64]] = self._words.lengths + self._ngrams.lengths
        return sizes

    def known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which captions have a known word, (N,)."""
        owners = np.repeat(np.arange(len(self)), self._words.lengths)
        return np.bincount(owners[self._words.values > END], minlength=len(self)) > 0

    def batch(self, rows: Sequence[int]) -> BagBatch:
        """Return the bags of some captions."""
        words, ngrams = self._words.take(rows), self._ngrams.take(rows)
        sizes = np.maximum(words.lengths + ngrams.lengths, 1)[:, None]
        parts = (words.values, words.starts, ngrams.values, ngrams.starts, sizes)
        return BagBatch(*(torch.from_numpy(part) for part in parts))


def _without_zeros(rows_BX: Tensor) -> Ragged:
    kept = rows_BX != 0
    return Ragged(rows_BX[kept].cpu().numpy(), kept.sum(1).cpu().numpy())
