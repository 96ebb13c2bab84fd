"""From a caption's vector to hashtags: hierarchical softmax, softmax, and one classifier per hashtag.

Letters: B posts, D width, V hashtags, E pairs of a post and one of its hashtags.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.captions.fasttext.huffman import HuffmanTree
from multimodal.training.large_vocabulary import LARGE_VOCABULARY, log_normaliser, logits_at, softplus_sum

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class HashtagOutput(nn.Module, ABC):
    """A layer without bias, initialised to zero, as in fastText."""

    weight: nn.Parameter
    bias = None

    def targets(self, posts_E: Ints, hashtags_E: Ints, shares_E: Floats) -> tuple[Tensor, ...]:
        """Return the targets as `forward` takes them.

        Args:
            posts_E: rows of the batch.
            hashtags_E: a hashtag of each.
            shares_E: its share in the loss of its post.
        """
        return torch.from_numpy(posts_E), torch.from_numpy(hashtags_E), torch.from_numpy(shares_E)

    @abstractmethod
    def forward(self, vectors_BD: Tensor, *targets: Tensor) -> Tensor:
        """Return the loss of each post, (B,)."""

    @abstractmethod
    def log_probabilities(self, vectors_BD: Tensor) -> Tensor:
        """Return the logarithm of each hashtag's probability, (B, V), in the precision of the vectors."""


class Softmax(HashtagOutput):
    """P(h) = softmax(W x)_h; the loss is − Σ share · ln P(h)."""

    def __init__(self, width: int, hashtags: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(hashtags, width))

    def forward(self, vectors_BD: Tensor, *targets: Tensor) -> Tensor:
        """Return the loss of each post, (B,)."""
        posts, hashtags, shares = targets
        if len(self.weight) >= LARGE_VOCABULARY:
            logits = logits_at(vectors_BD[posts], self, hashtags.unsqueeze(1)).squeeze(1)
            losses = shares * (log_normaliser(vectors_BD, self)[posts] - logits)
        else:
            losses = -shares * self.log_probabilities(vectors_BD)[posts, hashtags]
        return losses.new_zeros(len(vectors_BD)).index_add(0, posts, losses)

    def log_probabilities(self, vectors_BD: Tensor) -> Tensor:
        """Return ln softmax(W x), (B, V)."""
        return F.linear(vectors_BD, self.weight.to(vectors_BD.dtype)).log_softmax(-1)


class OneVersusAll(HashtagOutput):
    """P(h) = σ(w_h · x), independent for each hashtag; the loss is the sum of the binary cross-entropies."""

    def __init__(self, width: int, hashtags: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(hashtags, width))

    def forward(self, vectors_BD: Tensor, *targets: Tensor) -> Tensor:
        """Return the loss of each post, (B,); shares are ignored."""
        posts, hashtags, _ = targets
        # All hashtags as absent, then the difference for those that are present: −ln σ(z) = −ln σ(−z) − z.
        if len(self.weight) >= LARGE_VOCABULARY:
            present = logits_at(vectors_BD[posts], self, hashtags.unsqueeze(1)).squeeze(1)
            return softplus_sum(vectors_BD, self).index_add(0, posts, -present)
        scores = F.linear(vectors_BD, self.weight.to(vectors_BD.dtype))
        losses = F.softplus(scores).sum(1)
        return losses.index_add(0, posts, -scores[posts, hashtags])

    def log_probabilities(self, vectors_BD: Tensor) -> Tensor:
        """Return ln σ(W x), (B, V)."""
        return F.logsigmoid(F.linear(vectors_BD, self.weight.to(vectors_BD.dtype)))


class HierarchicalSoftmax(HashtagOutput):
    """P(h) = Π over the inner nodes n above h of σ(±w_n · x), plus for a right turn (Morin & Bengio 2005).

    The tree is a Huffman tree, so the mean path of a train hashtag is the shortest possible. Probabilities sum to 1.

    Args:
        width: D.
        frequencies: of the V hashtags in training.
    """

    steps: Tensor
    parents: Tensor
    leaves: Tensor

    def __init__(self, width: int, frequencies: Sequence[int] | Ints) -> None:
        super().__init__()
        self.tree = HuffmanTree.of(frequencies)
        self.weight = nn.Parameter(torch.zeros(self.tree.leaves - 1, width))
        self._nodes, self._turns = self.tree.paths()
        self._lay_out_levels()

    def _lay_out_levels(self) -> None:
        """Sort nodes by level, so that each level is computed from the one above in one step."""
        tree, size = self.tree, self.tree.leaves
        depths = tree.depths()
        order = np.argsort(depths, kind="stable")
        index = np.empty_like(order)
        index[order] = np.arange(len(order))
        above, turns = tree.parents[order], tree.turns[order]
        ends = np.cumsum(np.bincount(depths))
        self._levels = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        for name, values in {
            "parents": index[above],
            # Left turns come before right turns.
            "steps": above - size + turns * (size - 1),
            "leaves": index[:size],
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def targets(self, posts_E: Ints, hashtags_E: Ints, shares_E: Floats) -> tuple[Tensor, ...]:
        """Return row, inner node, turn and share of each step of the paths to the hashtags."""
        nodes, turns = self._nodes.take(hashtags_E), self._turns.take(hashtags_E)
        columns = (
            np.repeat(posts_E, nodes.lengths),
            nodes.values,
            turns.values.astype(np.float32),
            np.repeat(shares_E, nodes.lengths),
        )
        return tuple(torch.from_numpy(column) for column in columns)

    def forward(self, vectors_BD: Tensor, *targets: Tensor) -> Tensor:
        """Return the loss of each post, (B,): binary cross-entropy of each turn on the way to its hashtags."""
        posts, nodes, turns, shares = targets
        weights = F.embedding(nodes, self.weight, sparse=True)
        scores = (vectors_BD.index_select(0, posts) * weights).sum(1)
        losses = shares * F.binary_cross_entropy_with_logits(scores, turns, reduction="none")
        return losses.new_zeros(len(vectors_BD)).index_add(0, posts, losses)

    def log_probabilities(self, vectors_BD: Tensor) -> Tensor:
        """Return the log of the product along each path, (B, V), computed level by level for all paths."""
        scores = self.weight.to(vectors_BD.dtype) @ vectors_BD.T
        right = F.logsigmoid(scores)
        turned = torch.cat([right - scores, right])
        reached = vectors_BD.new_zeros(len(self.parents), len(vectors_BD))
        for start, stop in self._levels:
            way = reached.index_select(0, self.parents[start:stop])
            reached[start:stop] = way.add_(turned.index_select(0, self.steps[start:stop]))
        return reached.index_select(0, self.leaves).T
