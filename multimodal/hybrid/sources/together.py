"""`UsedTogether`: hashtags that were used together with those that other sources are surest of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from multimodal.hybrid.sources.base import Ints, Questions, Source
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups, places_in_runs, run_sizes, run_starts


class UsedTogether(Source):
    """P(hashtag | another one of the post), over the strongest candidates: the sum of these chances, and the largest.

    Args:
        by: the sources whose first values say which hashtags are the strongest, the most important source first.
        strongest: how many hashtags of each source are asked about.
        last: how many posts with each are looked at.
    """

    name = "together"
    columns = ("chances", "largest")
    ranked = ("chances",)
    reach = 15

    def __init__(self, by: Sequence[str], strongest: int = 3, last: int = 100) -> None:
        self._by, self._strongest, self._last = tuple(by), strongest, last

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return both for every hashtag that was used together with a strong one, the strong ones among them."""
        given = _once(np.concatenate([self._leading(found[name], questions) for name in self._by], axis=1))
        moments = np.repeat(questions.instants_us, given.shape[1])
        used = questions.memory.questions.cooccurrence(given.ravel(), moments, last=self._last)
        rows, shares = used.rows // given.shape[1], used.column("share")
        pairs = PairGroups.by(rows, used.hashtags)
        values = np.stack([pairs.sums(shares), pairs.largest(shares)], axis=1)
        return HashtagValues(pairs.rows, pairs.hashtags, values, self.columns)

    def _leading(self, values: HashtagValues, questions: Questions) -> Ints:
        best = values.best(self._strongest, questions.names.__getitem__)
        table = np.full((len(questions), self._strongest), -1, np.int64)
        starts = run_starts(best.rows)
        table[best.rows, places_in_runs(starts, run_sizes(starts, len(best.rows)))] = best.hashtags
        return table


def _once(hashtags: Ints) -> Ints:
    """Return a table with -1 in place of what stands in its row already."""
    order, row = np.argsort(hashtags, axis=1, kind="stable"), np.arange(len(hashtags))[:, None]
    rising = hashtags[row, order]
    rising[:, 1:][rising[:, 1:] == rising[:, :-1]] = -1
    once = np.empty_like(rising)
    once[row, order] = rising
    return once
