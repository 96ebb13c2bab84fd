"""F1 of the scores that a model gives to captions, for choosing among settings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from multimodal.captions.labelled import LabelledCaptions

_AT_ONCE = 2_048
ScoreRows = Callable[[slice], NDArray[np.float64]]


def f1_at_k(scores_of: ScoreRows, posts: LabelledCaptions, k: int = 5) -> float:
    """Return F1@k of the means: 2PR / (P + R), P the mean of hits / k, R the mean of hits / hashtags of the post.

    Args:
        scores_of: some rows of N posts → their scores, (rows, V).
        posts: N, each with a hashtag.
        k: length of the lists.
    """
    hits: list[int] = []
    for start in range(0, len(posts), _AT_ONCE):
        rows = slice(start, min(start + _AT_ONCE, len(posts)))
        scores = scores_of(rows)
        length = min(k, scores.shape[1])
        named = np.argpartition(-scores, length - 1, axis=1)[:, :length].tolist()
        hits += [len(set(row) & set(truth)) for row, truth in zip(named, posts.targets[rows], strict=True)]
    precision = float(np.mean(hits)) / k
    recall = float(np.mean(np.array(hits) / np.array(posts.truth_sizes)))
    return 2 * precision * recall / (precision + recall) if precision else 0.0


def evenly(posts: LabelledCaptions, most: int) -> LabelledCaptions:
    """Return at most `most` of the posts, evenly spaced."""
    return posts.take(range(0, len(posts), max(-(-len(posts) // most), 1)))
