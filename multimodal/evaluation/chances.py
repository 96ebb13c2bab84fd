"""Whether chances come true: of hashtags with a chance of 30 %, are 30 % true?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking
from multimodal.evaluation.errors.tables import calibration_error, calibration_table
from multimodal.ranking.calibration import Calibration
from multimodal.ranking.rankings import Rankings

CHANCES = "chances.csv"
FIRST = 5
_ALL, _FIRST = "all", f"first {FIRST}"
_DRAWS, _MOST = 1_000, 0.95


def chances_table(rankings: Rankings, truth: Sequence[Sequence[str]], calibration: Calibration) -> pd.DataFrame:
    """Compare the chances of recommended hashtags with the share of them that is true, in ten bins.

    Args:
        rankings: as deep as they are known.
        truth: true hashtags of the same posts; posts without any are left out.
        calibration: from scores to chances.

    Returns:
        ranks (`all`, and `first 5`), low, high, named, mean_chance, share_true; one row per bin that holds a chance.
    """
    ranking = FlatRanking.of(rankings, truth)
    ranking = replace(ranking, score=calibration.of(ranking.score))
    parts = [calibration_table(ranking, k).assign(ranks=name) for name, k in ((_ALL, ranking.depth), (_FIRST, FIRST))]
    table = pd.concat(parts, ignore_index=True).rename(columns={"mean_score": "mean_chance"})
    return table[["ranks", "low", "high", "named", "mean_chance", "share_true"]]


def calibration_errors(table: pd.DataFrame) -> tuple[float, float]:
    """Return the expected calibration error of all ranks and of the first five; see `calibration_error`."""
    renamed = table.rename(columns={"mean_chance": "mean_score"})
    every, first = (calibration_error(renamed[renamed["ranks"] == name]) for name in (_ALL, _FIRST))
    return every, first


@dataclass(frozen=True, slots=True)
class ErrorByChance:
    """The expected calibration error of chances that come true exactly, on as many hashtags.

    Attributes:
        mean: of the draws.
        most: 95 % of the draws have no more.
    """

    mean: float
    most: float


def errors_by_chance(table: pd.DataFrame, seed: int = 0) -> tuple[ErrorByChance, ErrorByChance]:
    """Return which `calibration_errors` chance alone explains.

    How many hashtags of each bin are true is drawn 1,000 times from its mean chance.

    Args:
        table: see `chances_table`.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    every, first = (_error_by_chance(table[table["ranks"] == name], generator) for name in (_ALL, _FIRST))
    return every, first


def _error_by_chance(bins: pd.DataFrame, generator: np.random.Generator) -> ErrorByChance:
    if bins.empty:
        return ErrorByChance(float("nan"), float("nan"))
    named, chances = bins["named"].to_numpy(np.int64), bins["mean_chance"].to_numpy(np.float64)
    true = generator.binomial(named, np.clip(chances, 0, 1), (_DRAWS, len(bins)))
    errors = np.abs(true - named * chances).sum(axis=1) / named.sum()
    return ErrorByChance(float(errors.mean()), float(np.quantile(errors, _MOST)))
