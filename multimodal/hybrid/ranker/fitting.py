"""`fit_ranker`: candidates with their features in, a `Ranker` out."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from data_loaders.errors import UserError
from multimodal.hybrid.ranker.boosting import grow_forest, scaled
from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.forest import Forest
from multimodal.hybrid.ranker.linear import Linear
from multimodal.hybrid.ranker.logistic import fit_linear, logistic_regression
from multimodal.hybrid.ranker.ranker import Ranker
from multimodal.hybrid.ranker.rows import RankerRows

logger = logging.getLogger(__name__)

# Without validation candidates, trees need this many posts; with so many, nothing else is tried.
_POSTS_FOR_TREES, _POSTS_FOR_TREES_ALONE = 2_000, 10_000
_FEW_CANDIDATES = "the ranker has nothing to learn from: of {n:,} candidates {right:,} are right; it needs both kinds."


def fit_ranker(
    rows: RankerRows,
    names: Sequence[str],
    sources: Sequence[str],
    config: RankerConfig | None = None,
    validation: RankerRows | None = None,
    seed: int = 0,
) -> Ranker:
    """Fit a ranker; its chances come from the log-loss in which every post weighs the same.

    Args:
        rows: candidates whose features come from parts that were not trained on these posts.
        names: of the features.
        sources: the source that each feature comes from.
        config: by default the settings of `RankerConfig`.
        validation: later candidates, on which trees and logistic regression are compared, and on which the scores of
            ranking objectives are turned into log-odds; without, or with many posts, the number of posts decides.
        seed: of the draws of rows and features.

    Raises:
        UserError: all candidates are right or all are wrong; or LightGBM is needed and not installed.
    """
    config = config or RankerConfig()
    right = int(rows.labels.sum())
    if not 0 < right < len(rows):
        raise UserError(_FEW_CANDIDATES.format(n=len(rows), right=right))
    if config.kind != "auto":
        return Ranker(names, sources, _fit(config.kind, rows, config, validation, seed))
    posts = len(rows.sizes)
    judged = validation is not None and 0 < int(validation.labels.sum()) < len(validation)
    if validation is None or not judged or posts >= _POSTS_FOR_TREES_ALONE:
        kind = "trees" if posts >= _POSTS_FOR_TREES else "linear"
        return Ranker(names, sources, _fit(kind, rows, config, validation, seed))
    fitted = [Ranker(names, sources, _fit(kind, rows, config, validation, seed)) for kind in ("trees", "linear")]
    losses = [log_loss(ranker, validation) for ranker in fitted]
    told = ", ".join(f"{ranker.kind} {loss:.5f}" for ranker, loss in zip(fitted, losses, strict=True))
    logger.info("log-loss of the rankers on validation candidates: %s", told)
    return fitted[int(np.argmin(losses))]


def _fit(
    kind: str, rows: RankerRows, config: RankerConfig, validation: RankerRows | None, seed: int
) -> Forest | Linear:
    if kind == "linear":
        return fit_linear(rows, config)
    forest = grow_forest(rows, config, seed)
    if config.objective == "binary":
        return forest
    # Scores of ranking objectives mean nothing between posts until then (Platt 1999).
    scale = rows if validation is None else validation
    slope, intercept = logistic_regression(forest.log_odds(scale.features)[:, None], scale, 1e-6)
    return scaled(forest, float(slope[0]), intercept)


def log_loss(ranker: Ranker, rows: RankerRows) -> float:
    """Return the mean log-loss of candidates; every post weighs the same."""
    log_odds = ranker.log_odds(rows.features)
    losses = np.logaddexp(0.0, np.where(rows.labels, -log_odds, log_odds))
    return float(np.average(losses, weights=rows.weights))
