"""The confusion matrix of every hashtag, as multilabel classification knows it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking


def confusion_table(ranking: FlatRanking, k: int, train_frequency: Mapping[str, int]) -> pd.DataFrame:
    """Count for each hashtag in how many posts it is recommended among the first K or not, correctly or not.

    Args:
        train_frequency: train posts that carry a hashtag; 0 where it is not there.

    Returns:
        One row per hashtag that is true or named somewhere, by falling number of true posts: hashtag,
        train_frequency, true_posts, named, tp, fp, fn, tn (which sum to N), precision, recall, f1; NaN where a
        hashtag is never named or never true.
    """
    size = len(ranking.names)
    within = ranking.rank <= k
    named = np.bincount(ranking.tag[within], minlength=size)
    right = np.bincount(ranking.tag[within & ranking.hit], minlength=size)
    support = ranking.support
    used = np.flatnonzero(named + support)
    names = [ranking.names[index] for index in used.tolist()]
    table = pd.DataFrame(
        {
            "hashtag": names,
            "train_frequency": [train_frequency.get(name, 0) for name in names],
            "true_posts": support[used],
            "named": named[used],
            "tp": right[used],
            "fp": (named - right)[used],
            "fn": (support - right)[used],
            "tn": len(ranking) - (named + support - right)[used],
        }
    )
    table["precision"] = _share(table["tp"], table["named"])
    table["recall"] = _share(table["tp"], table["true_posts"])
    table["f1"] = _share(2 * table["tp"], table["named"] + table["true_posts"])
    order = ["true_posts", "named", "hashtag"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part.div(whole.where(whole > 0))
