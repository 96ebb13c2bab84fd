"""A Huffman tree over hashtags: frequent ones are near the root, so that the mean path is the shortest possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.captions.ragged import Ragged

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HuffmanTree:
    """A binary tree with V leaves, numbered 0 to V - 1, and V - 1 inner nodes, V to 2V - 2, the root last.

    Attributes:
        parents: (2V - 1,) the inner node above each node, -1 for the root.
        turns: (2V - 1,) 1 if the node is its parent's right child, else 0.
    """

    parents: Ints
    turns: Ints

    @classmethod
    def of(cls, frequencies: Sequence[int] | Ints) -> HuffmanTree:
        """Join the two rarest nodes repeatedly (Huffman 1952), of equally rare ones leaves first, for short paths.

        Args:
            frequencies: of V leaves, at least one, none negative.
        """
        counts = np.asarray(frequencies, np.int64)
        size = len(counts)
        # Inner nodes are made in rising order of weight, so two queues replace a heap.
        leaves, inner = np.argsort(counts, kind="stable").tolist(), list[int]()
        weights = [*counts.tolist(), *[0] * (size - 1)]
        parents, turns = np.full(2 * size - 1, -1, np.int64), np.zeros(2 * size - 1, np.int64)
        next_leaf = next_inner = 0
        for made in range(size, 2 * size - 1):
            for turn in (0, 1):
                inner_left, leaf_left = next_inner < len(inner), next_leaf < size
                if leaf_left and not (inner_left and weights[inner[next_inner]] < weights[leaves[next_leaf]]):
                    child, next_leaf = leaves[next_leaf], next_leaf + 1
                else:
                    child, next_inner = inner[next_inner], next_inner + 1
                parents[child], turns[child] = made, turn
                weights[made] += weights[child]
            inner.append(made)
        return cls(parents, turns)

    @property
    def leaves(self) -> int:
        """V."""
        return (len(self.parents) + 1) // 2

    def depths(self) -> Ints:
        """Return the depth of each node below the root, (2V - 1,)."""
        depths = np.zeros(len(self.parents), np.int64)
        for node in range(len(self.parents) - 2, -1, -1):
            depths[node] = depths[self.parents[node]] + 1
        return depths

    def paths(self) -> tuple[Ragged, Ragged]:
        """Return, for each leaf, the inner nodes above it counted from 0, and the turn taken at each."""
        nodes: list[list[int]] = []
        turns: list[list[int]] = []
        parents, taken = self.parents.tolist(), self.turns.tolist()
        for leaf in range(self.leaves):
            nodes.append([])
            turns.append([])
            node = leaf
            while parents[node] >= 0:
                turns[-1].append(taken[node])
                node = parents[node]
                nodes[-1].append(node - self.leaves)
        return Ragged.of(nodes), Ragged.of(turns)
