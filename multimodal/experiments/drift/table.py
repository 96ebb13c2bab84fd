"""The table of a drift: F1 of every System, protocol and period, beside what happened in the period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.posts import Post
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement, percentiles, weighted_sums
from multimodal.experiments.drift.periods import PeriodKind, by_period
from multimodal.experiments.drift.running import Aged

LEVEL, RESAMPLES = 0.95, 1_000
COLUMNS = ("system", "protocol", "period", "posts", "f1", "f1_low", "f1_high")
OF_PERIODS = ("unseen_in_train", "unseen_before", "distance", "shift")


def drift_table(
    aged: Sequence[Aged], posts: Sequence[Post], trends: pd.DataFrame, kind: PeriodKind, k: int
) -> pd.DataFrame:
    """Return one line for each System, protocol and period, the columns `COLUMNS` and `OF_PERIODS`.

    F1 is that of mean precision and mean recall over the posts of the period, with a 95 % bootstrap interval over
    posts.

    Args:
        aged: what was recommended.
        posts: the evaluated posts.
        trends: `trend_table` of the same folder and kind of period.
        kind: of the periods.
        k: length of the lists.
    """
    of_period = trends.set_index("period")
    lines = []
    for one in aged:
        for period, rows in by_period(posts, kind).items():
            own = [posts[row] for row in rows]
            value, low, high = _f1([_terms(post, one.lists[post.post_id], k) for post in own])
            happened = {name: of_period.loc[period.name, name] for name in OF_PERIODS}
            lines.append(
                {
                    **dict(
                        zip(COLUMNS, (one.name, one.protocol, period.name, len(own), value, low, high), strict=True)
                    ),
                    **happened,
                }
            )
    return pd.DataFrame(lines, columns=[*COLUMNS, *OF_PERIODS])


def _terms(post: Post, recommended: Sequence[str], k: int) -> tuple[float, float]:
    hits = len(set(recommended[:k]) & set(post.hashtags))
    return hits / k, hits / len(set(post.hashtags))


def _f1(terms: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    values: NDArray[np.float64] = np.array(terms)
    weights = draw_with_replacement(len(values), RESAMPLES, seed=0)
    means = weighted_sums(weights, lambda chunk: values[chunk], len(values), "Resampling") / len(values)
    low, high = percentiles(np.asarray(f1_of_means(means[:, 0], means[:, 1])), LEVEL)
    mean = values.mean(0)
    return float(f1_of_means(mean[0], mean[1])), float(low), float(high)
