"""`PopularityPrior`: the frequency of each hashtag in the train posts, the ranking when nothing else is known."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rules.post_rules import numbers_of
from multimodal.ranking.top_k import order_candidates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class PopularityPrior:
    """The vocabulary ranked by the share of train posts that carry each hashtag.

    Args:
        id_map: has the train frequencies.
        train_posts: number of train posts, with and without hashtags.

    Attributes:
        order: (V,) vocabulary indices, most frequent first, equally frequent ones by name.
        shares: (V,) in that order, from 0 to 1.
        scores: (V,) the shares in the order of the vocabulary.
    """

    def __init__(self, id_map: HashtagIdMap, train_posts: int) -> None:
        self.train_posts, self.id_map = train_posts, id_map
        size = id_map.vocabulary_size
        shares = id_map.frequencies / max(train_posts, 1)
        # Shares that are equal after rounding are ordered by frequency.
        self.order, self.shares = order_candidates(np.arange(size), shares, id_map, max(size, 1))
        self.scores = np.zeros(size)
        self.scores[self.order] = self.shares

    def ranking(self, k: int, excluded: Collection[int] = ()) -> tuple[Ints, Floats]:
        """Return the first `k` indices that are not excluded, and their shares."""
        return fill_up(np.empty(0, np.int64), np.empty(0), self.order, self.shares, k, excluded)

    def numbers_of(self, hashtags: Collection[str]) -> Ints:
        """Return the indices of the given hashtags that are in the vocabulary."""
        return numbers_of(hashtags, self.id_map)
