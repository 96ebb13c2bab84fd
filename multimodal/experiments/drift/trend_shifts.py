"""Shifts of trends: how far the leading hashtags of a period are from those of the period before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from data_loaders.posts import Post
from multimodal.experiments.drift.periods import PeriodKind, by_period

LEADING = 20
_LEAST_EARLIER, _DEVIATIONS = 3, 2.0


def ranked_jaccard_distance(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the distance of two rankings of hashtags, 0 for the same, 1 for nothing in common.

    1 - Σ min(w, w') / Σ max(w, w') over all hashtags, where the hashtag at rank r of n has the weight n - r + 1 and any
    other 0. H-ADAPTS (arXiv:2504.00044) names a ranked Jaccard distance between the top hashtags of windows; its
    abstract gives no formula, so this one is ours.

    Args:
        first, second: best first, without repeats; two empty ones are the same.

    >>> ranked_jaccard_distance(["sea", "sky"], ["sea", "sky"]), ranked_jaccard_distance(["sea"], ["sky"])
    (0.0, 1.0)
    >>> ranked_jaccard_distance(["sea", "sky"], ["sky", "sea"])
    0.5
    """
    weights = [{hashtag: len(one) - rank for rank, hashtag in enumerate(one)} for one in (first, second)]
    pairs = [(weights[0].get(hashtag, 0), weights[1].get(hashtag, 0)) for hashtag in {*first, *second}]
    largest = sum(max(pair) for pair in pairs)
    return 1 - sum(min(pair) for pair in pairs) / largest if largest else 0.0


def leading_hashtags(posts: Sequence[Post], count: int = LEADING) -> list[str]:
    """Return the hashtags of most posts, equal ones in the order of their texts."""
    uses = Counter(hashtag for post in posts for hashtag in post.hashtags)
    return sorted(uses, key=lambda hashtag: (-uses[hashtag], hashtag))[:count]


def trend_table(splits: Mapping[str, Sequence[Post]], kind: PeriodKind) -> pd.DataFrame:
    """Return one line for each period in which anything was posted, in order of time.

    Columns: period, posts (with hashtags), unseen_in_train and unseen_before (shares of the uses of hashtags that no
    train post has, and that nobody used in an earlier period), distance (`ranked_jaccard_distance` of the `LEADING`
    hashtags from those of the period before; NaN for the first), shift (the distance is more than two standard
    deviations above the mean of at least three earlier ones).

    Args:
        splits: posts by the name of their split.
        kind: of the periods.
    """
    posts = [post for split in splits.values() for post in split if post.hashtags]
    periods = by_period(posts, kind)
    in_train = {hashtag for post in splits["train"] for hashtag in post.hashtags}
    before, lines, distances = set[str](), [], list[float]()
    leading: list[str] = []
    for number, (period, rows) in enumerate(periods.items()):
        own = [posts[row] for row in rows]
        uses = [hashtag for post in own for hashtag in post.hashtags]
        now = leading_hashtags(own)
        distance = ranked_jaccard_distance(leading, now) if number else float("nan")
        lines.append(
            {
                "period": period.name,
                "posts": len(own),
                "unseen_in_train": sum(hashtag not in in_train for hashtag in uses) / len(uses),
                "unseen_before": sum(hashtag not in before for hashtag in uses) / len(uses),
                "distance": distance,
                "shift": _is_shift(distance, distances),
            }
        )
        distances += [distance] if number else []
        before.update(uses)
        leading = now
    columns = ["period", "posts", "unseen_in_train", "unseen_before", "distance", "shift"]
    return pd.DataFrame(lines, columns=columns)


def _is_shift(distance: float, earlier: Sequence[float]) -> bool:
    if len(earlier) < _LEAST_EARLIER:
        return False
    return bool(distance > np.mean(earlier) + _DEVIATIONS * np.std(earlier))
