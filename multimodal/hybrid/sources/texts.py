"""`HashtagTexts`: how near a post is to each candidate's own words, and to the posts that used it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from multimodal.hybrid.relative_values import relative_to_best
from multimodal.hybrid.sources.base import Candidates, Description, Questions, Values
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.vectors import HashtagVectors, posts_means, unit
from multimodal.memory.questions.hashtag_values import HashtagValues


class HashtagTexts(Description):
    """A score of `TextHead`, 0 for a hashtag not used before, and its rank; NaN where a post lacks a vector.

    Args:
        space: of the posts' vectors.
        vectors: of the hashtags.
        head: fitted on posts that are earlier than those asked about; None says nothing.
        last: over how many posts with a hashtag its mean is.
    """

    name = "texts"
    columns = ("score", "rank")

    def __init__(self, space: str, vectors: HashtagVectors, head: TextHead | None, last: int) -> None:
        self._space, self._vectors, self._head, self._last = space, vectors, head, last

    def describe(self, questions: Questions, candidates: Candidates, found: Mapping[str, HashtagValues]) -> Values:
        """Return the score of each candidate, and its rank among those of its post, from 1."""
        known = questions.has(self._space)[candidates.rows]
        if self._head is None or not known.any():
            return np.full((len(known), len(self.columns)), np.nan)
        scores = np.zeros(len(known))
        newest = questions.newest(candidates, self._last)
        used = np.zeros(len(known), np.bool_)
        used[newest.rows] = True
        chosen = np.flatnonzero(known & used)
        if len(chosen):
            means = posts_means(questions.memory, self._space, newest, len(known))[chosen]
            hashtags, places = np.unique(candidates.hashtags[chosen], return_inverse=True)
            words = self._vectors.of([questions.names[number] for number in hashtags.tolist()])[places]
            posts = unit(questions.vectors[self._space])
            scores[chosen] = self._head.scores(posts, candidates.rows[chosen], words, means)
        values = np.stack([scores, relative_to_best(candidates.rows, scores[:, None])[0][:, 0]], axis=1)
        values[~known] = np.nan
        return values
