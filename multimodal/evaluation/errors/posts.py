"""How NDCG spreads over the posts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking, Floats
from multimodal.evaluation.metrics.ranked import ndcg

BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def ndcg_of_posts(ranking: FlatRanking, k: int) -> Floats:
    """Return NDCG@K of each post, (N,)."""
    hits = np.zeros((len(ranking), max(ranking.depth, 1)), np.bool_, order="F")
    hits[ranking.post[ranking.hit], ranking.rank[ranking.hit] - 1] = True
    return ndcg(hits, ranking.true_count, np.array([k]))[:, 0]


def ndcg_distribution(values: Floats) -> pd.DataFrame:
    """Count the posts by NDCG in steps of 0.2; a bin holds its lower end, the last one both.

    Args:
        values: (N,) in 0..1.

    Returns:
        low, high, posts, share.
    """
    counts, _ = np.histogram(np.clip(values, 0, 1), np.array(BIN_EDGES))
    return pd.DataFrame(
        {"low": BIN_EDGES[:-1], "high": BIN_EDGES[1:], "posts": counts, "share": counts / max(len(values), 1)}
    )
