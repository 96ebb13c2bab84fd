"""F1 of the scores that a model gives to captions, for choosing among settings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from multimodal.captions.labelled import LabelledCaptions
from multimodal.training.validation_f1 import f1_of_hits

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
    return float(f1_of_hits(hits, posts.truth_sizes, k))


def evenly(posts: LabelledCaptions, most: int) -> LabelledCaptions:
    """Return at most `most` of the posts, evenly spaced."""
    return posts.take(range(0, len(posts), max(-(-len(posts) // most), 1)))
