"""Choosing the length of each list: as long as its scores stay above a threshold, set on the validation split.

The list of a post holds its best hashtag, and further ones down to the threshold, at most as many as asked for.
Precision of such a list is |C| / its own length; F1 is, as everywhere, that of the mean precision and the mean recall.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.accuracy import Floats, Ints, f1_of_means
from multimodal.evaluation.metrics.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class ScoredHits:
    """What the choice of list lengths is based on.

    Attributes:
        scores: (N, K) by rank, never rising; NaN for an empty rank.
        hits: (N, K) whether the hashtag is true.
        true_count: (N,) at least 1.
    """

    scores: Floats
    hits: NDArray[np.bool_]
    true_count: Ints

    @classmethod
    def of(cls, scores: Floats, outcomes: Outcomes, longest: int) -> ScoredHits:
        """Join the scores of N posts with what came of them, up to a rank."""
        depth = min(longest, scores.shape[1], outcomes.hits.shape[1])
        return cls(scores[:, :depth], outcomes.hits[:, :depth], outcomes.true_count)

    @property
    def depth(self) -> int:
        """Length of the longest list."""
        return int(self.scores.shape[1])

    def lengths(self, threshold: float) -> Ints:
        """Return the length of each list, (N,): 1 at least, 0 where nothing is recommended."""
        above = np.count_nonzero(self.scores >= threshold, axis=1)
        named = np.count_nonzero(~np.isnan(self.scores), axis=1)
        return np.asarray(np.minimum(np.maximum(above, 1), named))

    def precision_and_recall(self, lengths: Ints) -> Floats:
        """Return both for each post, (N, 2), with lists of these lengths; precision of an empty list is 0."""
        inside = np.arange(self.depth) < lengths[:, None]
        found = np.count_nonzero(self.hits & inside, axis=1)
        return np.stack([found / np.maximum(lengths, 1), found / self.true_count], axis=1)


def read_scored_hits(folder: Path, longest: int) -> ScoredHits:
    """Read an evaluation folder.

    Raises:
        DataError: a file is missing or damaged.
    """
    outcomes = read_per_post(folder / "per_post.parquet")
    rankings = read_predictions(folder / "predictions.parquet")
    row_of = {post_id: row for row, post_id in enumerate(rankings.post_ids)}
    rows = np.array([row_of.get(post_id, -1) for post_id in outcomes.post_ids], np.int64)
    # A post with an empty list has no prediction: the row behind the last one stands for it.
    scores = np.concatenate([rankings.scores, np.full((1, rankings.k), np.nan)])[rows]
    return ScoredHits.of(scores, outcomes, longest)


def choose_threshold(scored: ScoredHits) -> tuple[float, float]:
    """Return the threshold on the score whose lists have the highest F1, and that F1; of equals the highest.

    All distinct scores are tried at once: a list that grows by one rank changes its precision and recall by a
    known amount, so sums over the ranks in the order of their scores give the figures at every threshold.
    """
    named = ~np.isnan(scored.scores)
    found = np.cumsum(scored.hits & named, axis=1)
    precision = found / np.arange(1, scored.depth + 1)
    steps = np.stack([precision, found / scored.true_count[:, None]])
    steps[:, :, 1:] -= steps[:, :, :-1].copy()
    steps[:, ~named] = 0.0
    first = steps[:, :, 0].sum(axis=1)
    further = named[:, 1:]
    scores, changes = scored.scores[:, 1:][further], steps[:, :, 1:][:, further]
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    sums = first[:, None] + np.concatenate([np.zeros((2, 1)), np.cumsum(changes[:, order], axis=1)], axis=1)
    f1 = f1_of_means(*(sums / len(scored.scores)))
    # A threshold takes in all ranks of equal score; above the first of them the lists have one hashtag each.
    candidates = np.append(np.inf, scores)
    last_of_equals = np.append(candidates[1:] != candidates[:-1], True)
    best = np.flatnonzero(last_of_equals)[int(np.argmax(f1[last_of_equals]))]
    return float(candidates[best]), float(f1[best])


def best_fixed_length(scored: ScoredHits) -> int:
    """Return the K from 1 to the depth whose fixed length has the highest F1, the smallest of equals."""
    found = np.cumsum(scored.hits, axis=1)
    mean_precision = (found / np.arange(1, scored.depth + 1)).mean(axis=0)
    mean_recall = (found / scored.true_count[:, None]).mean(axis=0)
    return int(np.argmax(f1_of_means(mean_precision, mean_recall))) + 1
