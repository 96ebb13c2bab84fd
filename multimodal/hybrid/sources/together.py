"""`UsedTogether`: hashtags that were used together with those that other sources are surest of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from multimodal.hybrid.sources.base import Ints, Questions, Source
from multimodal.memory.questions.hashtag_values import HashtagValues, run_starts


class UsedTogether(Source):
    """The share of the last posts with any of the strongest candidates that have a hashtag.

    Args:
        by: the sources whose first values say which hashtags are the strongest, the most important source first.
        strongest: how many hashtags of each source are asked about.
        last: how many posts with each are looked at.
    """

    name = "together"
    columns = ("share", "count")
    ranked = ("share",)
    reach = 15

    def __init__(self, by: Sequence[str], strongest: int = 3, last: int = 100) -> None:
        self._by, self._strongest, self._last = tuple(by), strongest, last

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return the shares."""
        given = np.concatenate([self._leading(found[name], questions) for name in self._by], axis=1)
        used = questions.memory.questions.cooccurrence(_once(given), questions.instants_us, last=self._last)
        return HashtagValues(used.rows, used.hashtags, used.values[:, :2], self.columns)

    def _leading(self, values: HashtagValues, questions: Questions) -> Ints:
        best = values.best(self._strongest, questions.names.__getitem__)
        table = np.full((len(questions), self._strongest), -1, np.int64)
        starts = run_starts(best.rows)
        places = np.arange(len(best.rows)) - np.repeat(starts, np.diff(np.append(starts, len(best.rows))))
        table[best.rows, places] = best.hashtags
        return table


def _once(hashtags: Ints) -> Ints:
    """Return a table with -1 in place of what stands in its row already."""
    order = np.argsort(hashtags, axis=1, kind="stable")
    rising = np.take_along_axis(hashtags, order, axis=1)
    rising[:, 1:][rising[:, 1:] == rising[:, :-1]] = -1
    once = np.empty_like(rising)
    np.put_along_axis(once, order, rising, axis=1)
    return once
