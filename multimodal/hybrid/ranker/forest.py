"""`Forest`: boosted trees as plain arrays, walked without the library that grew them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.ranker.splits import Splits

Features = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Comparisons at once: as many as fit into a processor's cache.
_AT_ONCE = 2**19


@dataclass(frozen=True, eq=False)
class Forest:
    """T trees with N nodes, one behind the other, each in preorder: the left child of a node is the next node.

    Attributes:
        width: how many features there are, F.
        starts: (T,) int64, the root of each tree.
        feature: (N,) int32, what a node splits by; -1 for a leaf.
        threshold: (N,) float32, values up to it go left; 0 for a leaf.
        right: (N,) int32, the right child; -1 for a leaf.
        missing_left: (N,) uint8, whether a missing value (NaN) goes left.
        value: (N,) float64, what a leaf adds to the log-odds; of other nodes, the mean over the training rows in it.
    """

    width: int
    starts: Ints
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    right: NDArray[np.int32]
    missing_left: NDArray[np.uint8]
    value: Floats

    @property
    def base(self) -> float:
        """The mean log-odds of the training rows, from which attributions count."""
        return float(np.cumsum(self.value[self.starts])[-1])

    def log_odds(self, features: Features) -> Floats:
        """Return the log-odds of n candidates, (n,), from their features, (n, F)."""
        parts = [one_by_one(self._leaf_values[ends]) for ends in self._ends(features)]
        return np.concatenate([np.empty(0), *parts])

    def attribution(self, features: Features, sources: Ints, count: int) -> Floats:
        """Return what each source adds to the log-odds over `base`, (n, count), along the path through each tree.

        Every split changes the mean value of the node; the change goes to the source of its feature.

        Args:
            features: (n, F).
            sources: (F,) the source of each feature, below `count`.
            count: how many sources there are.
        """
        of_leaf = self._along_paths(sources, count)
        parts = []
        for ends in self._ends(features):
            total = np.zeros((ends.shape[1], count))
            for tree in self._splits.leaf[ends]:
                total += of_leaf[tree]
            parts.append(total)
        return np.concatenate([np.empty((0, count)), *parts])

    def _ends(self, features: Features) -> Iterator[Ints]:
        """Yield which of all leaves rows end in, (T, rows), for some rows at a time."""
        step = max(1, _AT_ONCE // max(1, self._splits.count))
        for start in range(0, len(features), step):
            yield self._splits.ends(features[start : start + step])

    @cached_property
    def _leaf_values(self) -> Floats:
        return self.value[self._splits.leaf]

    @cached_property
    def _splits(self) -> Splits:
        return Splits.of(self.width, self.starts, self.feature, self.threshold, self.right, self.missing_left)

    @cached_property
    def _levels(self) -> list[tuple[Ints, Ints]]:
        """Nodes with a parent and these parents, level by level."""
        parents = np.flatnonzero(self.feature >= 0)
        parent = np.full(len(self.feature), -1)
        parent[parents + 1] = parents
        parent[self.right[parents]] = parents
        above, levels = self.starts, []
        while len(nodes := np.flatnonzero(np.isin(parent, above))):
            levels.append((nodes, parent[nodes]))
            above = nodes
        return levels

    @cached_property
    def _known_paths(self) -> dict[Any, Floats]:
        return {}

    def _along_paths(self, sources: Ints, count: int) -> Floats:
        key = (count, sources.tobytes())
        known = self._known_paths.get(key)
        if known is None:
            known = np.zeros((len(self.feature), count))
            for nodes, parents in self._levels:
                known[nodes] = known[parents]
                known[nodes, sources[self.feature[parents]]] += self.value[nodes] - self.value[parents]
            self._known_paths[key] = known
        return known


def one_by_one(terms: Floats) -> Floats:
    """Return the sums of T terms, (n,), from (T, n), each term added to the sum of those before it."""
    # Along the first of two axes numpy adds row by row, not pairwise; a single column is one axis.
    sums: Floats = terms.sum(axis=0) if terms.shape[1] > 1 else terms.cumsum(axis=0)[-1]
    return sums
