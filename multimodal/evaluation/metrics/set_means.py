"""Means of the metrics that depend on how many hits a post has, and on where the first is; over all posts at once."""

from __future__ import annotations

import numpy as np

from multimodal.evaluation.metrics.accuracy import Ints, f1_per_post, hit_rate, precision, recall, recall_capped
from multimodal.evaluation.metrics.count_groups import count_kinds
from multimodal.evaluation.metrics.exact_sums import ExactMean, weighted_mean_of
from multimodal.evaluation.metrics.outcomes import Outcomes


def set_means(outcomes: Outcomes, ks: Ints) -> dict[str, ExactMean]:
    """Return the means of all of `PER_POST_COLUMNS` but `ndcg` and `map`, at every cut-off.

    Args:
        outcomes: of at least one post.
        ks: (n_k,) rising.
    """
    kinds = count_kinds(outcomes.hits, outcomes.true_count, ks)
    known = count_kinds(outcomes.known_hits, outcomes.known_count, ks)
    new = count_kinds(outcomes.new_hits, outcomes.new_count, ks)
    found, true = kinds.found, kinds.true_count
    of_kinds = {
        "hit_rate": (hit_rate(found), kinds),
        "precision": (precision(found, ks), kinds),
        "recall": (recall(found, true), kinds),
        "f1_per_post": (f1_per_post(found, true, ks), kinds),
        "recall_capped": (recall_capped(found, true, ks), kinds),
        "recall_known": (recall(known.found, known.true_count), known),
        "new_hashtag_recall": (recall(new.found, new.true_count), new),
    }
    means = {name: weighted_mean_of(values, own.posts) for name, (values, own) in of_kinds.items()}
    return {**means, "mrr": _mean_reciprocal_rank(outcomes, ks)}


def _mean_reciprocal_rank(outcomes: Outcomes, ks: Ints) -> ExactMean:
    """Return the mean of 1 / rank of the first hit; posts are told apart by that rank alone."""
    places = outcomes.hits.shape[1]
    posts, open_ = np.zeros(places + 1, np.int64), np.ones(len(outcomes), np.bool_)
    for place in range(places):
        before = int(np.count_nonzero(open_))
        open_ &= ~outcomes.hits[:, place]
        posts[place] = before - np.count_nonzero(open_)
    posts[places] = np.count_nonzero(open_)
    ranks = np.arange(1, places + 1)[:, None]
    values = np.append((ranks <= ks) / ranks, np.zeros((1, len(ks))), axis=0)
    return weighted_mean_of(values, np.broadcast_to(posts[:, None], values.shape))
