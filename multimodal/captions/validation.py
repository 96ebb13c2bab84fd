"""The figures that a text-only model is selected by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.captions.labelled import LabelledCaptions
from multimodal.distributed.processes import map_processes
from multimodal.training.validation_f1 import f1_of_hits

_JUDGED_AT_ONCE = 2_048


def hit_figures(hits: Sequence[int], truth_sizes: Sequence[int], k: int) -> dict[str, float]:
    """Return F1@k of the mean precision and recall as "score", and the hit rate.

    Args:
        hits: per post, how many of its hashtags are among the first k.
        truth_sizes: per post, how many hashtags it has, at least one.
        k: length of the lists.
    """
    return {"score": float(f1_of_hits(hits, truth_sizes, k)), "hit_rate": float(np.mean(np.array(hits) > 0))}


def scored_figures(
    scores: Callable[[Sequence[str]], NDArray[np.float64]], validation: LabelledCaptions, k: int
) -> dict[str, float]:
    """Return `hit_figures` of a model that scores the vocabulary; processes share the work.

    Args:
        scores: gives (B, V) for B cleaned captions.
        validation: posts with a hashtag.
        k: length of the lists.
    """
    named = min(k, validation.vocabulary_size)

    def hits(rows: Sequence[int]) -> list[int]:
        found: list[int] = []
        for start in range(0, len(rows), _JUDGED_AT_ONCE):
            part = validation.take(rows[start : start + _JUDGED_AT_ONCE])
            best = np.argpartition(-scores(part.captions), named - 1, axis=1)[:, :named]
            found += [len(set(row) & set(truth)) for row, truth in zip(best.tolist(), part.targets, strict=True)]
        return found

    return hit_figures(map_processes(range(len(validation)), hits), validation.truth_sizes, k)
