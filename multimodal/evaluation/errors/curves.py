"""Precision–recall and ROC curves over the saved scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking
from multimodal.evaluation.metrics.accuracy import Bools, Floats

CurveKind: TypeAlias = Literal["precision_recall", "roc"]
_GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        name: `micro`, `macro`, or a hashtag.
        kind: `precision_recall` (x recall, y precision) or `roc` (x false positive rate, y true positive rate).
        x: rising.
        y: beside it.
        area: average precision, or area under the ROC curve.
        saved: how many of the first points rest on saved scores; the rest of a ROC curve is the straight line to
            (1, 1), as if everything that was not saved had one and the same score.
    """

    name: str
    kind: CurveKind
    x: Floats
    y: Floats
    area: float
    saved: int


def micro_curves(ranking: FlatRanking, hashtags: int) -> list[Curve]:
    """Pool all (post, hashtag) pairs; return both curves.

    Args:
        hashtags: how many there are to name, C; of the N · C pairs, those not saved count as ties at the end.
    """
    positives = len(ranking.true_tag)
    return _both("micro", ranking.score, ranking.hit, positives, len(ranking) * hashtags - positives)


def hashtag_curves(ranking: FlatRanking, hashtag: int) -> list[Curve]:
    """Return both curves of one hashtag over the posts.

    Args:
        hashtag: its number; true of at least one post.
    """
    chosen = ranking.tag == hashtag
    positives = int((ranking.true_tag == hashtag).sum())
    name = ranking.names[hashtag]
    return _both(name, ranking.score[chosen], ranking.hit[chosen], positives, len(ranking) - positives)


def macro_curves(ranking: FlatRanking) -> list[Curve]:
    """Average the curves of all hashtags that are true of at least one post, each weighing the same.

    Precision at a recall is the best precision at that recall or a higher one, 0 where it is not reached within
    the saved scores.
    """
    order = np.argsort(ranking.tag, kind="stable")
    ends = np.cumsum(np.bincount(ranking.tag, minlength=len(ranking.names)))
    support = ranking.support
    precision, rate = np.zeros_like(_GRID), np.zeros_like(_GRID)
    areas = np.zeros(2)
    chosen = np.flatnonzero(support)
    for hashtag in chosen:
        pairs = order[(ends[hashtag - 1] if hashtag else 0) : ends[hashtag]]
        positives = int(support[hashtag])
        pair = _both("", ranking.score[pairs], ranking.hit[pairs], positives, len(ranking) - positives)
        precision += _best_from(pair[0])
        rate += np.interp(_GRID, pair[1].x, pair[1].y)
        areas += [pair[0].area, pair[1].area]
    count = len(chosen)
    areas /= count
    reached = int(np.flatnonzero(precision)[-1]) + 1 if precision.any() else 1
    return [
        Curve("macro", "precision_recall", _GRID[:reached], precision[:reached] / count, float(areas[0]), reached),
        Curve("macro", "roc", _GRID, rate / count, float(areas[1]), len(_GRID)),
    ]


def curves_table(curves: list[Curve]) -> pd.DataFrame:
    """Return the points of all curves: curve, name, x, y, area, saved."""
    parts = [
        pd.DataFrame(
            {
                "curve": curve.kind,
                "name": curve.name,
                "x": curve.x,
                "y": curve.y,
                "area": curve.area,
                "saved": np.arange(len(curve.x)) < curve.saved,
            }
        )
        for curve in curves
    ]
    return pd.concat(parts, ignore_index=True)


def _both(name: str, scores: Floats, hits: Bools, positives: int, negatives: int) -> list[Curve]:
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    listed = np.arange(1, len(order) + 1)
    # Equal scores are one threshold: the curve has no point between them.
    last = np.append(np.diff(scores[order]) != 0, True)[: len(order)]
    right, listed = right[last], listed[last]
    recall, precision = right / positives, right / np.maximum(listed, 1)
    average = float((np.diff(recall, prepend=0.0) * precision).sum())
    first = precision[:1] if len(precision) else np.zeros(1)
    false_rate = np.concatenate([[0.0], (listed - right) / max(negatives, 1), [1.0]])
    true_rate = np.concatenate([[0.0], recall, [1.0]])
    area = float((np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2).sum())
    pr_x, pr_y = np.append(0.0, recall), np.append(first, precision)
    return [
        Curve(name, "precision_recall", pr_x, pr_y, average, len(pr_x)),
        Curve(name, "roc", false_rate, true_rate, area, len(false_rate) - 1),
    ]


def _best_from(curve: Curve) -> Floats:
    best = np.maximum.accumulate(curve.y[::-1])[::-1]
    position = np.searchsorted(curve.x, _GRID, side="left")
    return np.where(position < len(best), best[np.minimum(position, len(best) - 1)], 0.0)
