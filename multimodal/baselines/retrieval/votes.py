"""Votes of neighbours: each earlier post gives its weight to the hashtags that it carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_loaders.batches import Related
from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Votes:
    """The share of the neighbours' weight that goes to each hashtag, for Q posts.

    Attributes:
        hashtags: (C,) hashtag index of each candidate; candidates are sorted by post.
        shares: (C,) above 0, at most 1.
        starts: (Q + 1,) index of the first candidate of each post.
    """

    hashtags: Ints
    shares: Floats
    starts: Ints

    def of(self, row: int) -> tuple[Ints, Floats]:
        """Return the hashtags and shares of one post."""
        part = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return self.hashtags[part], self.shares[part]


def weights_of(neighbours: Related, memory: PostMemory, moments_us: Ints, power: float, decay: float) -> Floats:
    """Return similarity^power · (age in hours + 1)^-decay of each neighbour, (Q, n), 0 where there is none.

    Args:
        neighbours: positions and similarities, (Q, n).
        memory: holds them.
        moments_us: (Q,) instants of the posts, resolved.
        power: above 0.
        decay: at least 0.
    """
    weights = neighbours.similarity.astype(np.float64) ** power
    if decay:
        used = memory.instants_us[neighbours.positions] if len(memory) else np.zeros(weights.shape)
        # In floating point: the distance from an undated post does not fit an integer.
        hours = (moments_us[:, None].astype(np.float64) - used.astype(np.float64)) / _HOUR_US
        weights *= (np.maximum(hours, 0) + 1) ** -decay
    return np.where(neighbours.positions >= 0, weights, 0.0)


def votes(neighbours: Related, weights: Floats, memory: PostMemory, count: int) -> Votes:
    """Let the first `count` neighbours of each post vote.

    Args:
        neighbours: best first.
        weights: see `weights_of`.
        memory: holds the neighbours.
        count: how many vote.
    """
    positions, weights = neighbours.positions[:, :count], weights[:, :count]
    queries, width = len(positions), max(len(memory.id_map), 1)
    rows, ranks = np.nonzero(weights > 0)
    entries, hashtags = memory.hashtag_pairs(positions[rows, ranks])
    keys, candidate = np.unique(rows[entries] * width + hashtags, return_inverse=True)
    sums = np.bincount(candidate, weights[rows, ranks][entries], len(keys)).astype(np.float64)
    # One by one as above, so that a hashtag that all carry has exactly 1.
    totals = np.bincount(rows, weights[rows, ranks], queries)
    owners = keys // width
    return Votes(keys % width, sums / totals[owners], np.searchsorted(owners, np.arange(queries + 1)))
