"""`HashtagLists`: from candidates with chances to lists of exactly K."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.candidates import CandidateTable
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.fill import fill_up
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import SCORE_DECIMALS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class HashtagLists:
    """Collects the lists of posts: candidates by (-chance, -train frequency, text), then popular hashtags.

    Args:
        id_map: the train vocabulary.
        prior: the popular hashtags; their scores are shares of the last candidate's chance.
        k: length of the lists.
    """

    def __init__(self, id_map: HashtagIdMap, prior: PopularityPrior, k: int) -> None:
        self._id_map, self._prior, self._k = id_map, prior, k
        self._texts = list(id_map.names[: id_map.vocabulary_size])
        self._numbers: dict[str, int] = {}
        self._lists: list[tuple[Ints, Floats]] = []

    def add(self, table: CandidateTable, chances: Floats, excluded: Sequence[AbstractSet[str]]) -> None:
        """Add the lists of the posts of a table.

        Args:
            table: their candidates.
            chances: of the candidates.
            excluded: of each post, hashtags that must not be recommended.
        """
        numbers = np.array([self._number_of(text) for text in table.texts], np.int64)[table.hashtags]
        frequencies = self._id_map.frequency_of(numbers)
        scores = np.round(chances, SCORE_DECIMALS)
        # Candidates of a post are in the order of their texts already.
        order = np.lexsort((-frequencies, -scores, table.rows))
        bounds = np.searchsorted(table.rows, np.arange(table.posts + 1))
        for row, blocked in enumerate(excluded):
            best = order[bounds[row] : bounds[row + 1]]
            # Not `if blocked`: a rule may bar words that no memory knows, and then seems empty.
            allowed = [table.texts[place] not in blocked for place in table.hashtags[best].tolist()]
            best = best[np.array(allowed, np.bool_)]
            lowest = float(scores[best[-1]]) if len(best) else 1.0
            best = best[: self._k]
            self._lists.append(
                fill_up(
                    numbers[best],
                    scores[best],
                    self._prior.order,
                    np.round(self._prior.shares * lowest, SCORE_DECIMALS),
                    self._k,
                    self._prior.numbers_of(blocked),
                )
            )

    def rankings(self, post_ids: Sequence[str]) -> Rankings:
        """Return the lists of all posts that were added, in order."""
        return Rankings.from_lists(post_ids, self._lists, self._k, self._texts)

    def _number_of(self, text: str) -> int:
        known = self._id_map.find(text)
        if known is not None and known < self._id_map.vocabulary_size:
            return known
        if text not in self._numbers:
            self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return self._numbers[text]
