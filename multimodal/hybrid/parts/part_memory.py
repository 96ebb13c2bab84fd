"""`PartMemory`: the memory of the hybrid as one of its Systems sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from data_loaders.batches import Related
from multimodal.hybrid.sources.base import Questions
from multimodal.memory.post_memory import Floats, Ints, PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.likeness import Likeness


def space_name(part: str, space: str) -> str:
    """Return the name under which the hybrid's memory holds a space of a part."""
    return f"{part}.{space}"


class PartMemory(PostMemory):
    """A view of a memory in which the vectors of one part have the names that the part gives them.

    It is made for some questions and only read: what comes into the memory later is not seen.

    Args:
        questions: to the memory of the hybrid; what they found is not looked for again.
        part: name of the part.
        empty: an empty memory of the part, which says what it holds.
    """

    def __init__(self, questions: Questions, part: str, empty: PostMemory) -> None:
        self.__dict__.update(questions.memory.__dict__)
        self._asked, self._whole, self._part = questions, questions.memory, part
        self.width, self.slots, self.spaces = empty.width, empty.slots, dict(empty.spaces)

    @property
    def vectors(self) -> Floats:
        """(N, width) content vectors of the part by position, a copy: see `vectors_at`."""
        return self.vectors_at(CONTENT, np.arange(len(self)))

    def vectors_at(self, space: str, positions: Ints) -> Floats:
        """Return the vectors of N positions in a dense space of the part, (N, its width)."""
        return self._whole.vectors_at(space_name(self._part, space), positions)

    def history(self, user_ids: Sequence[str | None], instants_us: Ints, limit: int) -> Ints:
        """Return the positions of each user's last posts strictly before an instant; see `PostMemory.history`."""
        asked = self._asked
        if list(user_ids) == asked.users and np.array_equal(self.resolve(instants_us), asked.instants_us):
            return asked.history(limit).copy()
        return self._whole.history(user_ids, instants_us, limit)

    def neighbours(
        self,
        terms: sparse.csr_matrix | None,
        vectors: Mapping[str, Floats],
        instants_us: Ints,
        count: int,
        likeness: Likeness,
        among: Ints | None = None,
        language: str | None = None,
    ) -> Related:
        """Find the most similar posts strictly before each of Q instants; see `PostMemory.neighbours`."""
        names = {space: space if space == WORDS else space_name(self._part, space) for space in likeness.weights}
        weights = {names[space]: weight for space, weight in likeness.weights.items()}
        renamed = {space_name(self._part, space): rows for space, rows in vectors.items()}
        whole = Likeness(weights, likeness.power, likeness.decay)
        return self._whole.neighbours(terms, renamed, instants_us, count, whole, among, language)
