"""`OwnHistory`: what the user used before, by how often, how recently and in how similar posts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from multimodal.hybrid.sources.base import Flags, Ints, Questions, Source, Values
from multimodal.memory.pairs import similarity_to
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.likeness import Likeness

_HOUR_US = 3_600_000_000
# Exponents of the similarity: cosines of sentence vectors lie closer together than those of words.
_POWERS = {WORDS: 2}
_POWER = 3


class OwnHistory(Source):
    """Σ over the user's earlier posts with a hashtag, each post weighted by age, by rank or by similarity.

    Args:
        spaces: in which posts are compared, `words` and dense ones.
        posts: how many of the user's last posts count.
        compared: how many of them are compared with the post.
    """

    name = "own"
    reach = 8

    def __init__(self, spaces: tuple[str, ...], posts: int = 500, compared: int = 100) -> None:
        self._spaces, self._posts, self._compared = spaces, posts, compared
        self.columns = ("recency", "order", "share", "last", *(f"like_{space}" for space in spaces))
        self.ranked = ("recency", "order", *(f"like_{space}" for space in spaces))

    def missing(self, questions: Questions) -> Flags:
        """Return the posts of users without earlier posts."""
        return questions.history(1)[:, 0] < 0

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return the sums of each weight for each hashtag of the user's own."""
        positions = questions.history(self._posts)
        rows, places = np.nonzero(positions >= 0)
        chosen = positions[rows, places]
        now = questions.instants_us[rows].astype(np.float64)
        hours = (now - questions.memory.instants_us[chosen].astype(np.float64)) / _HOUR_US
        weights = [1 / (hours + 1), 1 / (places + 1.0), 1 / np.bincount(rows, minlength=len(questions))[rows]]
        weights += [self._similarities(questions, positions, space)[rows, places] for space in self._spaces]
        posts, hashtags = questions.memory.hashtag_pairs(chosen)
        pairs = PairGroups.by(rows[posts], hashtags)
        sums = [pairs.sums(weight[posts]) for weight in weights]
        last = 1 / (places[posts[pairs.firsts()]] + 1.0)
        values = np.stack([*sums[:3], last, *sums[3:]], axis=1)
        return HashtagValues(pairs.rows, pairs.hashtags, values, self.columns)

    def _similarities(self, questions: Questions, positions: Ints, space: str) -> Values:
        likeness, powered = Likeness({space: 1.0}), np.zeros(positions.shape)
        compared = positions[:, : self._compared]
        similarity = similarity_to(likeness, questions.terms, questions.vectors, questions.memory, compared)
        powered[:, : compared.shape[1]] = similarity.astype(np.float64) ** _POWERS.get(space, _POWER)
        return powered
