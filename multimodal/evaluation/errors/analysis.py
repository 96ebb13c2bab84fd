"""`analyse_errors`: a ranking and the truth in, every table of the error analysis out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_loaders.errors import UserError
from multimodal.evaluation.errors import tables
from multimodal.evaluation.errors.curves import Curve, curves_table, hashtag_curves, macro_curves, micro_curves
from multimodal.evaluation.errors.flat_ranking import FlatRanking
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.metrics.accuracy import Floats
from multimodal.ranking.rankings import Rankings

SELECTED = 5


@dataclass(frozen=True)
class ErrorAnalysis:
    """What goes wrong among the first K.

    Attributes:
        depth: how many hashtags were saved per post; curves end there.
        posts: how many posts with a true hashtag.
        curves: micro, macro and those of the most frequent true hashtags; see `curves`.
        ndcg: (N,) NDCG@K of each post.
    """

    k: int
    depth: int
    posts: int
    hashtags: pd.DataFrame
    curves: Sequence[Curve]
    ndcg: Floats
    ndcg_distribution: pd.DataFrame
    by_frequency: pd.DataFrame
    correlations: Mapping[str, float]
    pairs: pd.DataFrame
    calibration: pd.DataFrame
    calibration_error: float

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by the name of their file."""
        return {
            "hashtags": self.hashtags,
            "curves": curves_table(list(self.curves)),
            "ndcg_distribution": self.ndcg_distribution,
            "errors_by_frequency": self.by_frequency,
            "confused_pairs": self.pairs,
            "calibration": self.calibration,
        }


def analyse_errors(
    rankings: Rankings,
    truth: Sequence[Sequence[str]],
    k: int,
    train_frequency: Mapping[str, int],
    vocabulary: Sequence[str],
    selected: int = SELECTED,
) -> ErrorAnalysis:
    """Analyse the errors of a ranking among the first K; posts without a true hashtag are left out.

    Args:
        train_frequency: train posts that carry a hashtag, also of those outside the vocabulary.
        vocabulary: hashtags that can be named.
        selected: how many of the most frequent true hashtags get curves of their own.

    Raises:
        UserError: K below 1.
        DataError: the ranking is not one, or there is no truth.
    """
    if k < 1:
        raise UserError(f"k: {k} hashtags cannot be analysed; give at least 1.")
    ranking = FlatRanking.of(rankings, truth)
    hashtags = tables.confusion_table(ranking, k, train_frequency)
    support = ranking.support
    frequent = sorted(np.flatnonzero(support).tolist(), key=lambda tag: (-support[tag], ranking.names[tag]))[:selected]
    nameable = len(set(vocabulary).union(hashtags["hashtag"]))
    curves = [*micro_curves(ranking, nameable), *macro_curves(ranking)]
    curves += [curve for tag in frequent for curve in hashtag_curves(ranking, tag)]
    values = tables.ndcg_of_posts(ranking, k)
    calibration = tables.calibration_table(ranking, k)
    return ErrorAnalysis(
        k=k,
        depth=ranking.depth,
        posts=len(ranking),
        hashtags=hashtags,
        curves=curves,
        ndcg=values,
        ndcg_distribution=tables.ndcg_distribution(values),
        by_frequency=tables.errors_by_frequency(hashtags),
        correlations=tables.frequency_correlations(hashtags),
        pairs=tables.confused_pairs(ranking, k),
        calibration=calibration,
        calibration_error=tables.calibration_error(calibration),
    )


def write_errors(folder: Path, analysis: ErrorAnalysis) -> list[Path]:
    """Write every table as CSV and return the paths."""
    return write_files(folder, {f"{name}.csv": table for name, table in analysis.tables().items()})
