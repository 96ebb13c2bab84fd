"""`Gathered`: posts held in memory in order of time, all of which are compared with a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from multimodal.memory.search.columns import WORDS, Floats, Ints, Mask, PostColumns
from multimodal.memory.search.likeness import Doubles, Likeness, Question, Workspace
from multimodal.memory.search.time_order import Timed
from multimodal.memory.search.word_span import WordSpan

# Far above the error of a cosine in single precision and of rounding the similarity.
_MARGIN = 1e-4
_GATHERED_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Gathered:
    """Posts in order of time with their rows.

    Attributes:
        posts: n posts.
        terms: (n, slots), None where words do not count.
        vectors: of each dense space (n, width), rows of length 1 or 0.
        words: an inverted index with whole lists; None for none.
        inverted: of how many of the first posts it tells the terms.
        products: of the last words asked for, because several likenesses compare one post.
    """

    posts: Timed
    terms: sparse.csr_matrix | None
    vectors: dict[str, Floats]
    words: WordSpan | None = None
    inverted: int = 0
    products: dict[tuple[bytes, bytes], Doubles] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: PostColumns, posts: Timed, spaces: Sequence[str]) -> Gathered:
        """Read the rows of posts.

        Args:
            columns: hold them.
            posts: n posts.
            spaces: which spaces to read.
        """
        terms = columns.terms_at(posts.positions) if WORDS in spaces else None
        dense = {space: unit_vectors(columns, space, posts.positions) for space in spaces if space != WORDS}
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
        similarity = self._similarity(question, stop, likeness, workspace)
        if usable is not None:
            similarity = np.where(usable[:stop], similarity, 0)
        near = (similarity > 0).nonzero()[0]
        if len(near) <= count:
            return self.posts.positions[near]
        similarity, instants = similarity[near], self.posts.instants_us[near]
        margin = _MARGIN * max(sum(likeness.weights.values()), 1)
        values = likeness.values(similarity, instants, question.instant_us)
        kept = _well_within(values, count, likeness, margin)
        similarity, instants = similarity[kept], instants[kept]
        low = likeness.values(np.maximum(similarity - margin, 0), instants, question.instant_us)
        high = likeness.values(similarity + margin, instants, question.instant_us)
        least = np.partition(low, len(low) - count)[len(low) - count] if len(low) > count else 0.0
        return self.posts.positions[near[kept[high >= least]]]

    def _similarity(self, question: Question, stop: int, likeness: Likeness, workspace: Workspace) -> Doubles:
        total: Doubles = np.zeros(stop)
        for space in likeness.spaces:
            if space == WORDS:
                total += likeness.weights[space] * self._word_products(question, workspace)[:stop]
            else:
                cosines: Floats = self.vectors[space][:stop] @ question.vectors[space].astype(np.float32)
                total += likeness.weights[space] * np.maximum(cosines, 0).astype(np.float64)
        return total

    def _word_products(self, question: Question, workspace: Workspace) -> Doubles:
        words = question.slots.tobytes(), question.weights.tobytes()
        known = self.products.get(words)
        if known is None:
            known = self._multiplied(question, workspace)
            self.products.clear()
            self.products[words] = known
        return known

    def _multiplied(self, question: Question, workspace: Workspace) -> Doubles:
        if self.terms is None:
            return np.zeros(len(self.posts))
        first = self.inverted
        entries = slice(int(self.terms.indptr[first]), int(self.terms.indptr[-1]))
        owners = np.repeat(np.arange(first, len(self.posts)), np.diff(self.terms.indptr[first:]))
        row = workspace.row(question, self.terms.shape[1])
        products = row[self.terms.indices[entries]] * self.terms.data[entries]
        if self.words is not None:
            rows, added = self.words.products(question)
            known = rows < first
            rows, added = rows[known], added[known]
            owners, products = np.concatenate([rows, owners]), np.concatenate([added, products])
        return np.bincount(owners, products, len(self.posts)).astype(np.float64)


def _well_within(values: Doubles, count: int, likeness: Likeness, margin: float) -> Ints:
    """Return which values, more than `count`, may be among the largest if every similarity is wrong by a margin."""
    small = 4 * max(likeness.power, 1) * margin
    # Of a similarity above `small` the value is wrong by less than a third upwards and a quarter downwards.
    least = np.partition(values, len(values) - count)[len(values) - count] / 2
    if (small + margin) ** likeness.power >= least:
        return np.arange(len(values))
    return np.flatnonzero(values >= least)


def unit_vectors(columns: PostColumns, space: str, positions: Ints) -> Floats:
    """Return the vectors of posts in a dense space, rows of length 1 or 0; they are copied once, block by block."""
    rows = unit_rows(columns.vectors_at(space, positions[:_GATHERED_AT_ONCE]))
    if len(positions) <= _GATHERED_AT_ONCE:
        return rows
    vectors = np.empty((len(positions), rows.shape[1]), np.float32)
    for start in range(0, len(positions), _GATHERED_AT_ONCE):
        block = slice(start, start + _GATHERED_AT_ONCE)
        vectors[block] = unit_rows(columns.vectors_at(space, positions[block]))
    return vectors


def unit_rows(rows: Floats) -> Floats:
    """Return rows of length 1, float32; rows of zeros stay."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1
    scaled: Floats = rows / lengths[:, None]
    return scaled
