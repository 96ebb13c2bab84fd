"""Validation of text-only models: F1@K and the hit rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.captions.labelled import LabelledCaptions
from multimodal.distributed.processes import map_processes
from multimodal.ranking.score_blocks import posts_at_once
from multimodal.training.validation_f1 import f1_of_hits, hits_at_k

# Some rows of the validation posts → their scores of the vocabulary, (rows, V).
ScoreRows = Callable[[Sequence[int]], NDArray[np.float64]]


def validate_scores(score_rows: ScoreRows, posts: LabelledCaptions, k: int) -> dict[str, float]:
    """Return `validation_scores` of a model that scores the vocabulary.

    Args:
        score_rows: scores some of the posts.
        posts: N, each with a hashtag.
        k: length of the lists.
    """

    def hits(rows: Sequence[int]) -> list[int]:
        return hits_at_k(score_rows(rows), [posts.targets[row] for row in rows], k)

    return validation_scores(hits, posts, k)


def validate_captions(
    scores: Callable[[Sequence[str]], NDArray[np.float64]], posts: LabelledCaptions, k: int
) -> dict[str, float]:
    """Return `validate_scores` of a model that scores cleaned captions, (B, V)."""
    return validate_scores(lambda rows: scores([posts.captions[row] for row in rows]), posts, k)


def validation_scores(
    hits: Callable[[Sequence[int]], list[int]], posts: LabelledCaptions, k: int, batch: int = 2_048
) -> dict[str, float]:
    """Return F1@k of mean precision and mean recall as "score", and "hit_rate"; processes share the work.

    Args:
        hits: some rows → how many hashtags of each post are among its first k.
        posts: N, each with a hashtag.
        k: length of the lists.
        batch: rows given to `hits` at once, fewer if the vocabulary is large.
    """
    step = posts_at_once(posts.vocabulary_size, batch)

    def work(rows: Sequence[int]) -> list[int]:
        return [hit for start in range(0, len(rows), step) for hit in hits(rows[start : start + step])]

    counts = np.array(map_processes(range(len(posts)), work))
    return {"score": float(f1_of_hits(counts, posts.truth_sizes, k)), "hit_rate": float(np.mean(counts > 0))}
