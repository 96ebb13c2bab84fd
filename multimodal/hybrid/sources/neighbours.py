"""`Neighbours`: the hashtags of the earlier posts that resemble the post most, whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data_loaders.batches import Related
from multimodal.hybrid.sources.base import Flags, Ints, Questions, Source, Values
from multimodal.memory.pairs import similarity_to
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.likeness import Likeness

_HOUR_US = 3_600_000_000
# Cosines of sentence vectors lie closer together than those of words.
_WORDS_POWER, _POWER = 2.0, 4.0
_NEAREST = 40


class Neighbours(Source):
    """Votes of the nearest posts: shares of Σ similarity^power · (age + 1 h)^-decay over those with a hashtag.

    Args:
        name: of the source.
        weights: of each space in the similarity.
        count: how many neighbours are found; the nearest 40 vote, all of them in the columns `wide` and `by_…`.
        decay: how fast they count less with their age.
        reach: see `Source`.
    """

    def __init__(
        self, name: str, weights: Mapping[str, float], count: int = 80, decay: float = 0.3, reach: int = 30
    ) -> None:
        self.name, self.reach = name, reach
        self._count, self._decay = count, decay
        self._likeness = Likeness(dict(weights), _power_of(weights), decay)
        self._further = tuple(weights) if len(weights) > 1 else ()
        by_space = tuple(f"by_{space}" for space in self._further)
        self.columns = ("votes", "weight", "wide", "count", "best", *by_space)
        self.ranked = ("votes", "wide", "best", *by_space)

    def missing(self, questions: Questions) -> Flags:
        """Return the posts that have nothing to compare."""
        return np.asarray(~np.any([questions.has(space) for space in self._likeness.spaces], axis=0))

    def nearest(self, questions: Questions) -> Related:
        """Return the earlier posts that resemble each post most; they are looked for once."""
        if self.name not in questions.related:
            asked = questions.terms, questions.vectors, questions.instants_us
            questions.related[self.name] = questions.memory.neighbours(*asked, self._count, self._likeness)
        return questions.related[self.name]

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return the votes for each hashtag of a neighbour."""
        memory, moments = questions.memory, questions.instants_us
        related = self.nearest(questions)
        rows, places = np.nonzero(related.positions >= 0)
        chosen, similarity = related.positions[rows, places], related.similarity[rows, places].astype(np.float64)
        hours = (moments[rows].astype(np.float64) - memory.instants_us[chosen].astype(np.float64)) / _HOUR_US
        aged = (hours + 1) ** -self._decay
        votes = np.where(places < _NEAREST, similarity**self._likeness.power * aged, 0)
        weights = [votes, similarity**2]
        weights += [self._alone(questions, related.positions, space)[rows, places] * aged for space in self._further]
        posts, hashtags = memory.hashtag_pairs(chosen)
        pairs = PairGroups.by(rows[posts], hashtags)
        sums = [pairs.sums(weight[posts]) for weight in weights]
        shares = []
        for weight, one in zip(weights, sums, strict=True):
            total = np.bincount(rows, weight, minlength=len(questions))[pairs.rows]
            shares.append(np.divide(one, total, out=np.zeros(len(one)), where=total > 0))
        columns = [shares[0], sums[0], shares[1], pairs.counts(), pairs.largest(similarity[posts]), *shares[2:]]
        return HashtagValues(pairs.rows, pairs.hashtags, np.stack(columns, axis=1), self.columns)

    @staticmethod
    def _alone(questions: Questions, positions: Ints, space: str) -> Values:
        likeness = Likeness({space: 1.0})
        similarity = similarity_to(likeness, questions.terms, questions.vectors, questions.memory, positions)
        powered: Values = similarity.astype(np.float64) ** _power_of({space: 1.0})
        return powered


def _power_of(weights: Mapping[str, float]) -> float:
    return _WORDS_POWER if set(weights) == {WORDS} else _POWER
