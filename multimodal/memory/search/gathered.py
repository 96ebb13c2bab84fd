"""`Gathered`: posts held in memory in order of time, all of which are compared with a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.search.columns import WORDS, Floats, Ints, Mask, PostColumns
from multimodal.memory.search.likeness import Likeness, Question, Workspace
from multimodal.memory.search.time_order import Timed

# Far above the error of a cosine in single precision and of rounding the similarity.
_MARGIN = 1e-4


@dataclass(frozen=True, slots=True)
class Gathered:
    """Posts in order of time with their rows.

    Attributes:
        posts: n posts.
        terms: (n, slots), None where words do not count.
        vectors: of each dense space (n, width), rows of length 1 or 0.
    """

    posts: Timed
    terms: sparse.csr_matrix | None
    vectors: dict[str, Floats]

    @classmethod
    def of(cls, columns: PostColumns, posts: Timed, spaces: Sequence[str]) -> Gathered:
        """Read the rows of posts.

        Args:
            columns: hold them.
            posts: n posts.
            spaces: which spaces to read.
        """
        terms = columns.terms_at(posts.positions) if WORDS in spaces else None
        dense = {space: unit_rows(columns.vectors_at(space, posts.positions)) for space in spaces if space != WORDS}
        return cls(posts, terms, dense)

    def candidates(
        self, question: Question, stop: int, count: int, likeness: Likeness, usable: Mask | None, workspace: Workspace
    ) -> Ints:
        """Return positions, among them the `count` most alike of the first `stop` posts.

        Args:
            question: what is compared.
            stop: how many of the posts count.
            count: how many are needed, at least 1.
            likeness: what is compared.
            usable: (n,) False for posts that must not be found; None for none.
            workspace: of this thread.
        """
        instants = self.posts.instants_us[:stop]
        similarity = self._similarity(question, stop, likeness, workspace)
        if usable is not None:
            similarity = np.where(usable[:stop], similarity, 0)
        margin = _MARGIN * max(sum(likeness.weights.values()), 1)
        low = likeness.values(np.maximum(similarity - margin, 0), instants, question.instant_us)
        threshold = np.partition(low, stop - count)[stop - count] if stop > count else 0.0
        if threshold <= 0:
            return self.posts.positions[:stop][similarity > 0]
        high = likeness.values(similarity + margin, instants, question.instant_us)
        return self.posts.positions[:stop][(high >= threshold) & (similarity > 0)]

    def _similarity(
        self, question: Question, stop: int, likeness: Likeness, workspace: Workspace
    ) -> NDArray[np.float64]:
        total: NDArray[np.float64] = np.zeros(stop)
        for space in likeness.spaces:
            if space == WORDS and self.terms is not None:
                total += likeness.weights[space] * (self.terms @ workspace.row(question, self.terms.shape[1]))[:stop]
            elif space != WORDS:
                cosines: Floats = self.vectors[space][:stop] @ question.vectors[space].astype(np.float32)
                total += likeness.weights[space] * np.maximum(cosines, 0).astype(np.float64)
        return total


def unit_rows(rows: Floats) -> Floats:
    """Return rows of length 1, float32; rows of zeros stay."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1
    scaled: Floats = rows / lengths[:, None]
    return scaled
