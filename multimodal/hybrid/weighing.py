"""How much validation posts count where the ranker learns from train and validation posts.

They are the latest, and alone in that their features come from heads and Systems that know the whole train split, as
those of later posts do. Where habits have changed, or a System has become better since its early training, one of them
says more of what comes next than a train post does.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.choosing import FEWEST_POSTS, NEGATIVES, faster
from multimodal.hybrid.learning_posts import LearningPosts, rows_of
from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.fitting import fit_ranker
from multimodal.hybrid.ranker.rows import RankerRows, joined, thinned

logger = logging.getLogger(__name__)
_WEIGHTS = (4.0, 16.0)
# What a weight has to be better by: standard errors (99 % of an interval), and a share of the log-loss, because the
# interval does not know that rankers of nearly the same posts differ: by 0.7 %, to either side, on 128,627 tweets.
_CERTAIN, _LEAST_SHARE = 2.58, 0.02


def validation_weight(learning: LearningPosts, config: RankerConfig, seed: int) -> float:
    """Return how many train posts a validation post counts as.

    It is 1 unless more weight lowers the log-loss of either half of the validation posts, by rankers that learned from
    train posts and the other half, by 2 % and by more than chance explains.

    Args:
        learning: posts with their tables.
        config: of the ranker; fewer rounds are tried.
        seed: of the rankers.
    """
    first, end = learning.train, len(learning.posts)
    half = (first + end) // 2
    halves = (first, half), (half, end)
    if min(sum(bool(post.hashtags) for post in learning.posts[slice(*one)]) for one in halves) < FEWEST_POSTS:
        return 1.0
    quick, folds = faster(config), (halves, halves[::-1])
    as_one = np.concatenate([_losses(learning, *fold, 1.0, quick, seed) for fold in folds])
    best, least = 1.0, -_LEAST_SHARE * float(as_one.mean())
    for weight in _WEIGHTS:
        losses = np.concatenate([_losses(learning, *fold, weight, quick, seed) for fold in folds])
        difference = losses - as_one
        gain, chance = float(difference.mean()), _CERTAIN * float(difference.std()) / len(difference) ** 0.5
        logger.info(
            "counting validation posts %g times changes the log-loss of held-out ones by %+.4f ± %.4f",
            weight,
            gain,
            chance,
        )
        if gain < min(-chance, least):
            best, least = weight, gain
    return best


def weighted_rows(learning: LearningPosts, weight: float) -> RankerRows:
    """Return the candidates of train posts, and of validation posts which count so many times."""
    if weight == 1:
        return learning.rows(0, len(learning.posts))
    train, validation = learning.rows(0, learning.train), learning.rows(learning.train, len(learning.posts))
    return joined([train, validation.counting(weight)])


def _losses(
    learning: LearningPosts, known: tuple[int, int], judged: tuple[int, int], weight: float, config: RankerConfig,
    seed: int,
) -> NDArray[np.float64]:  # fmt: skip
    """Return the log-loss of each judged post that has candidates, summed over these."""
    train, validation = learning.rows(0, learning.train), learning.rows(*known).counting(weight)
    rows, table = thinned(joined([train, validation]), NEGATIVES, seed), learning.table
    ranker = fit_ranker(rows, table.names, table.sources, config, seed=seed)
    later = rows_of(table.of_posts(*judged), learning.posts[slice(*judged)])
    log_odds = ranker.log_odds(later.features)
    losses = np.logaddexp(0.0, np.where(later.labels, -log_odds, log_odds))
    return np.asarray(np.bincount(np.unique(later.posts, return_inverse=True)[1], losses), np.float64)
