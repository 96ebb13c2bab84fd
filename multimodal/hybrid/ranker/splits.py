"""Walking all trees at once: which leaf of each tree a row ends in.

QuickScorer (Lucchese et al., 10.1145/2766462.2767733): every split that sends a row to the right rules out the leaves
on its left, a bit each; the leaf is the first that is left over. No step depends on the one before, as in a walk from
node to node, so that it is done for all rows and trees by a few operations on whole arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
MOST_LEAVES = 64
"""Of a tree: as many as there are bits."""


@dataclass(frozen=True, eq=False)
class Splits:
    """The nodes of T trees that are not leaves: S of each tree, of which those that it lacks send no row anywhere.

    Attributes:
        rows: (S · T,) row of the table of features that is compared, the first split of each tree first: missing values
            are lowest in the first half of the table, highest in its second.
        thresholds: (S · T, 1).
        ruled_out: (S · T, 1) unsigned, the leaves that a row that goes right does not end in.
        leaf: (L,) the nodes that are leaves.
        first_leaf: (T, 1) the first leaf of each tree.
    """

    rows: Ints
    thresholds: NDArray[np.float32]
    ruled_out: NDArray[Any]
    leaf: Ints
    first_leaf: Ints

    @classmethod
    def of(
        cls,
        width: int,
        starts: Ints,
        feature: NDArray[np.int32],
        threshold: NDArray[np.float32],
        right: NDArray[np.int32],
        missing_left: NDArray[np.uint8],
    ) -> Splits:
        """Return the splits of a `Forest` with these attributes."""
        is_leaf = feature < 0
        before = np.concatenate([[0], np.cumsum(is_leaf)])
        nodes = np.flatnonzero(~is_leaf)
        tree = np.searchsorted(starts, nodes, side="right") - 1
        first = before[nodes] - before[starts[tree]]
        most = int(np.diff(before[np.append(starts, len(feature))]).max(initial=1))
        bits = next(kind for kind in (np.uint16, np.uint32, np.uint64) if np.iinfo(kind).bits >= most)
        # A binary tree has a split less than leaves.
        size = (most - 1) * len(starts)
        places = (np.arange(len(nodes)) - np.searchsorted(nodes, starts)[tree]) * len(starts) + tree
        rows, thresholds, ruled_out = np.zeros(size, np.int64), np.full(size, np.inf, np.float32), np.zeros(size, bits)
        rows[places] = feature[nodes] + np.where(missing_left[nodes] > 0, 0, width)
        thresholds[places] = threshold[nodes]
        ruled_out[places] = _bits(first, before[right[nodes]] - before[nodes])
        return cls(rows, thresholds[:, None], ruled_out[:, None], np.flatnonzero(is_leaf), before[starts][:, None])

    @property
    def count(self) -> int:
        """How many splits there are, S · T."""
        return len(self.rows)

    def ends(self, features: NDArray[np.float32]) -> Ints:
        """Return which of all leaves each row ends in, (T, n), from its features, (n, F)."""
        columns, trees = np.ascontiguousarray(features.T, np.float32), len(self.first_leaf)
        shape = self.count // trees, trees, columns.shape[1]
        missing = np.isnan(columns)
        table = np.concatenate([np.where(missing, -np.inf, columns), np.where(missing, np.inf, columns)], dtype="f4")
        goes_right = table.take(self.rows, axis=0) > self.thresholds
        # A product, because numpy's `where` takes twenty times as long.
        ruled_out = np.bitwise_or.reduce((goes_right * self.ruled_out).reshape(shape), axis=0)
        ends: Ints = self.first_leaf + _lowest_unset_bit(ruled_out)
        return ends


def _bits(first: Ints, count: Ints) -> NDArray[np.uint64]:
    """Return numbers with `count` bits set, below 64, from bit `first` on."""
    one = np.uint64(1)
    return ((one << count.astype(np.uint64)) - one) << first.astype(np.uint64)


def _lowest_unset_bit(bits: NDArray[Any]) -> NDArray[np.int32]:
    powers: NDArray[np.int32] = np.frexp((~bits & (bits + bits.dtype.type(1))).astype(np.float64))[1]
    return powers - 1
