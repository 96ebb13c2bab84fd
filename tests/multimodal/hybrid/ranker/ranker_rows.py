"""Candidates drawn at random, some of whose features say what is right."""

import numpy as np

from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.rows import RankerRows

NAMES = ("own.share", "own.rank", "words.chance", "words.lift", "post.length", "trend.share")
SOURCES = ("own", "own", "words", "words", "post", "trend")
SMALL = RankerConfig(kind="trees", rounds=12, leaves=7, least_rows=5)


def draw_rows(posts: int = 60, each: int = 12, seed: int = 0) -> RankerRows:
    """Return candidates with missing values, zeros and negative values."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(posts * each, len(NAMES))).astype(np.float32)
    features[rng.random(features.shape) < 0.2] = 0.0
    missing = rng.random(features.shape) < 0.2
    missing[:, 4] = False
    log_odds = 2 * features[:, 0] + np.where(missing[:, 2], -1.0, 1.5 * features[:, 2]) - 1.5
    features[missing] = np.nan
    labels = rng.random(len(features)) < 1 / (1 + np.exp(-log_odds))
    return RankerRows(features, labels, np.repeat(np.arange(posts), each))
