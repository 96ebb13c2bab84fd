"""Micro and macro F1 of hashtags whose score reaches a threshold, as multilabel classification counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.label_wise import f1_macro_label, f1_micro
from multimodal.ranking.rankings import Rankings


@dataclass(frozen=True)
class ScoredLabels:
    """Every named hashtag of N posts, flat.

    Attributes:
        scores: (P,) of the pairs (post, hashtag).
        hashtags: (P,) numbers below `size`.
        right: (P,) whether the post has it.
        support: (size,) posts each hashtag is true of.
    """

    scores: NDArray[np.float64]
    hashtags: NDArray[np.int64]
    right: NDArray[np.bool_]
    support: NDArray[np.int64]

    @classmethod
    def of(cls, rankings: Rankings, truth: Sequence[Sequence[str]]) -> ScoredLabels:
        """Put rankings and truth side by side; posts without a true hashtag are left out."""
        labelled = np.array([bool(row) for row in truth])
        number = {name: index for index, name in enumerate(dict.fromkeys([*rankings.names, *_flat(truth)]))}
        named = labelled[:, None] & (rankings.indices >= 0)
        posts, ranks = np.nonzero(named)
        hashtags = rankings.indices[posts, ranks]
        own = np.array([number[name] for name in rankings.names], np.int64)[hashtags]
        pairs = np.array(
            [post * len(number) + number[tag] for post, row in enumerate(truth) for tag in set(row)], np.int64
        )
        right = np.isin(posts * np.int64(len(number)) + own, pairs)
        support = np.bincount(pairs % len(number), minlength=len(number))
        return cls(rankings.scores[posts, ranks], own, right, support)

    def f1(self, threshold: float) -> tuple[float, float]:
        """Return micro and macro F1 when a post has the hashtags whose score is at least `threshold`."""
        size, taken = len(self.support), self.scores >= threshold
        named = np.bincount(self.hashtags[taken], minlength=size)
        right = np.bincount(self.hashtags[taken & self.right], minlength=size)
        return f1_micro(named, right, self.support), f1_macro_label(named, right, self.support)

    def best_threshold(self) -> float:
        """Return the threshold with the highest micro F1, the highest such; infinity where nothing is named."""
        order = np.argsort(-self.scores, kind="stable")
        scores, found = self.scores[order], np.cumsum(self.right[order])
        f1 = 2 * found / (np.arange(1, len(scores) + 1) + self.support.sum())
        # Equal scores are taken together or not at all.
        last_of_equals = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
        return float(scores[np.argmax(np.where(last_of_equals, f1, -1))]) if len(scores) else float("inf")


def _flat(truth: Sequence[Sequence[str]]) -> list[str]:
    return [hashtag for row in truth for hashtag in row]
