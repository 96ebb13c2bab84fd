"""`PartSource`: the ranking of another System as a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from multimodal.hybrid.sources.base import Flags, Questions, Source
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.questions.hashtag_values import HashtagValues
from multimodal.systems.base import System

_COLUMNS = ("first", "score")
_NONE = np.empty(0, np.int64)


class PartSource(Source):
    """Scores of the hashtags that another System ranks first; 0 for all others.

    Args:
        name: of the source.
        system: fitted; None says nothing of any post.
        memory_of: gives what the System remembers when it is asked some questions.
        depth: how many hashtags of its ranking are read.
    """

    columns = _COLUMNS
    ranked = ("score",)
    reach = 15

    def __init__(
        self, name: str, system: System | None, memory_of: Callable[[Questions], PostMemory], depth: int = 50
    ) -> None:
        self.name, self._system, self._memory_of, self._depth = name, system, memory_of, depth

    def missing(self, questions: Questions) -> Flags:
        """Return all posts if there is no System."""
        return np.full(len(questions), self._system is None)

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return 1 / rank, and the score."""
        if self._system is None:
            return HashtagValues(_NONE, _NONE, np.empty((0, len(_COLUMNS))), _COLUMNS)
        rankings = self._system.rank(questions.posts, self._memory_of(questions), self._depth)
        rows, places = np.nonzero(rankings.indices >= 0)
        used, inverse = np.unique(rankings.indices[rows, places], return_inverse=True)
        numbers = np.array([questions.names.number_of(rankings.names[index]) for index in used.tolist()], np.int64)
        values = np.stack([1 / (places + 1.0), rankings.scores[rows, places]], axis=1)
        hashtags = numbers[inverse] if len(used) else _NONE
        order = np.lexsort((hashtags, rows))
        return HashtagValues(rows[order], hashtags[order], values[order], _COLUMNS)
