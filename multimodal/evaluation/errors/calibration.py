"""Does a score say how likely a hashtag is to be true?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking

BINS = 10


def calibration_table(ranking: FlatRanking, k: int) -> pd.DataFrame:
    """Compare the score of the named hashtags with the share of them that is true, bin by bin.

    Scores within 0..1 are put in ten bins of equal width; others, which are not probabilities, in ten bins of
    (nearly) equal number.

    Returns:
        low, high, named, mean_score, share_true; one row per bin that holds a score.
    """
    within = ranking.rank <= k
    scores, hits = ranking.score[within], ranking.hit[within]
    columns = ["low", "high", "named", "mean_score", "share_true"]
    if not len(scores):
        return pd.DataFrame(columns=columns)
    edges = np.linspace(0, 1, BINS + 1)
    if scores.min() < 0 or scores.max() > 1:
        edges = np.unique(np.quantile(scores, edges))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0]])
    number = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
    named = np.bincount(number, minlength=len(edges) - 1)
    held = np.flatnonzero(named)
    total = np.bincount(number, scores, minlength=len(named))[held]
    right = np.bincount(number, hits, minlength=len(named))[held]
    rows = (edges[:-1][held], edges[1:][held], named[held], total / named[held], right / named[held])
    return pd.DataFrame(dict(zip(columns, rows, strict=True)))


def calibration_error(table: pd.DataFrame) -> float:
    """Return the expected calibration error, Σ named · |share true − mean score| / Σ named (Naeini et al. 2015).

    NaN where scores are not within 0..1 or nothing was named.
    """
    if table.empty or table["low"].iloc[0] < 0 or table["high"].iloc[-1] > 1:
        return float("nan")
    gap = (table["share_true"] - table["mean_score"]).abs()
    return float((gap * table["named"]).sum() / table["named"].sum())
