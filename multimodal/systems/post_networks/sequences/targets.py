"""Target sequences of the sequence head: the order of a post's hashtags, and teacher forcing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data_loaders.batches import pad


class TargetSequences:
    """Turns each post's hashtags into the sequence that the GRU learns to generate.

    The papers justify no order. `frequency`: most frequent first; `post`: the order of the post;
    `free`: another random order each epoch, for the order-free loss.

    Args:
        hashtags: hashtag indices of each post's hashtags; those outside the vocabulary are left out.
        vocabulary_size: V, also the index of start and end. Indices are by falling frequency.
        order: one of the three.
        steps: S; longer sequences are cut.
        seed: seeds the random orders.
    """

    def __init__(
        self, hashtags: Sequence[Sequence[int]], vocabulary_size: int, order: str, steps: int, seed: int
    ) -> None:
        self._known = [[index for index in row if index < vocabulary_size] for row in hashtags]
        if order == "frequency":
            self._known = [sorted(row) for row in self._known]
        self._vocabulary_size, self._order, self._steps, self._seed = vocabulary_size, order, steps, seed

    def batch(self, rows: Sequence[int], epoch: int) -> tuple[Tensor, Tensor]:
        """Return the hashtag before each step and the one of each step, both (B, S); -1 after the end of the latter."""
        chosen = [self._shuffled(row, epoch) if self._order == "free" else self._known[row] for row in rows]
        end = self._vocabulary_size
        following = pad([[*row[: self._steps], end] for row in chosen])
        previous = torch.cat([torch.full((len(rows), 1), end), following[:, :-1]], dim=1)
        return torch.where(previous < 0, end, previous), following

    def _shuffled(self, row: int, epoch: int) -> list[int]:
        generator = np.random.default_rng([self._seed, epoch, row])
        return [self._known[row][index] for index in generator.permutation(len(self._known[row]))]
