"""`NeighbourIndex`: the earlier posts that resemble a post most."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.batches import Related
from multimodal.memory.search.columns import WORDS, Floats, Ints, Mask, PostColumns
from multimodal.memory.search.gathered import Gathered
from multimodal.memory.search.likeness import Likeness, Question, SlotTable, best_first, similarity_of
from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import OrderedPosts, TimeOrder


class NeighbourIndex:
    """Finds posts strictly before an instant by any `Likeness`; posts appended to the columns are found from then on.

    Args:
        columns: the remembered posts.
        settings: sizes and kinds of the indices.
        folder: where spans are kept; None to keep them in memory.
        reindexed: the `reindexed` of the index that searched the same posts before.
    """

    def __init__(
        self,
        columns: PostColumns,
        settings: IndexSettings | None = None,
        folder: Path | None = None,
        reindexed: tuple[int, int] = (0, 0),
    ) -> None:
        self.columns, self.settings, self.folder = columns, settings or IndexSettings(), folder
        self._order = TimeOrder(self.settings, reindexed)
        self._lock = threading.Lock()
        self._local = threading.local()

    @property
    def version(self) -> int:
        """How often late posts were sorted in, which may change answers."""
        return self._posts().version

    @property
    def reindexed(self) -> tuple[int, int]:
        """What to open an index of the same posts with, so that it gives the same answers."""
        return self._order.reindexed

    def find(
        self,
        terms: sparse.csr_matrix | None,
        vectors: Mapping[str, Floats],
        instants_us: Ints,
        count: int,
        likeness: Likeness,
        among: Ints | None = None,
        admitted: Mask | None = None,
    ) -> Related:
        """Find the most similar earlier posts of Q questions; the numbers are the same for each asked alone.

        Ties go to the later instant, then to the later position.

        Args:
            terms: (Q, slots) rows of length 1 or 0; None where words do not count.
            vectors: of each dense space that counts, (Q, width), of any length.
            instants_us: (Q,) only posts strictly before count.
            count: how many to find, n.
            likeness: what is compared.
            among: (Q, H) positions to choose from, -1 for none; None for all posts.
            admitted: (N,) which positions may be found; None for all.

        Returns:
            Positions (Q, n), best first, -1 where fewer have a positive likeness, and their similarity, 0..1 for
            weights that sum to 1.

        Raises:
            ValueError: a space has a weight but no vectors, or their number is not Q.
        """
        _check_queries(terms, vectors, len(instants_us), likeness)
        posts = self._posts()
        positions = np.full((len(instants_us), count), -1, np.int64)
        similarity = np.zeros((len(instants_us), count), np.float32)
        questions = _questions(terms, vectors, instants_us, likeness)
        if count:
            for row, question, candidates in self._candidates(posts, questions, count, likeness, among, admitted):
                best, values = self._best(question, candidates, count, likeness)
                positions[row, : len(best)] = best
                similarity[row, : len(best)] = values
        return Related(positions, similarity)

    def _posts(self) -> OrderedPosts:
        with self._lock:
            length = len(self.columns)
            if length != self._order.seen:
                self._order.extend(self.columns.instants_us[:length])
            return self._order.posts

    def _candidates(
        self,
        posts: OrderedPosts,
        questions: Sequence[Question],
        count: int,
        likeness: Likeness,
        among: Ints | None,
        admitted: Mask | None,
    ) -> Iterator[tuple[int, Question, Ints]]:
        if among is not None:
            for row, question in enumerate(questions):
                yield row, question, self._usable_of(np.unique(among[row][among[row] >= 0]), admitted)
            return
        total = len(posts.frozen) + len(posts.open)
        parts = [Gathered.of(self.columns, part, likeness.spaces) for part in (posts.part(0, total), posts.late)]
        for row, question in enumerate(questions):
            found = [self._among_all(part, question, count, likeness, admitted) for part in parts]
            yield row, question, np.concatenate(found)

    def _among_all(
        self, part: Gathered, question: Question, count: int, likeness: Likeness, admitted: Mask | None
    ) -> Ints:
        usable = self._usable(part.posts.positions, admitted)
        stop = part.posts.before(question.instant_us)
        return part.candidates(question, stop, count, likeness, usable, self._table(part.terms))

    def _usable(self, positions: Ints, admitted: Mask | None) -> Mask | None:
        """Return which positions are alive and admitted, None for all."""
        usable: Mask | None = None
        for mask in (self.columns.alive, admitted):
            if mask is not None:
                inside = np.zeros(len(positions), bool)
                known = positions < len(mask)
                inside[known] = mask[positions[known]]
                usable = inside if usable is None else usable & inside
        return usable

    def _usable_of(self, positions: Ints, admitted: Mask | None) -> Ints:
        usable = self._usable(positions, admitted)
        return positions if usable is None else positions[usable]

    def _best(
        self, question: Question, candidates: Ints, count: int, likeness: Likeness
    ) -> tuple[Ints, NDArray[np.float64]]:
        instants = self.columns.instants_us[candidates]
        candidates = candidates[instants < question.instant_us]
        instants = self.columns.instants_us[candidates]
        table = self._table(self.columns.terms_at(candidates[:0]) if WORDS in likeness.spaces else None)
        similarity = similarity_of(question, self.columns, candidates, likeness, table)
        values = likeness.values(similarity, instants, question.instant_us)
        best = best_first(values, instants, candidates, count)
        return candidates[best], similarity[best]

    def _table(self, terms: sparse.csr_matrix | None) -> SlotTable:
        slots = 0 if terms is None else terms.shape[1]
        if len(getattr(self._local, "table", SlotTable(0)).row) < slots or not hasattr(self._local, "table"):
            self._local.table = SlotTable(slots)
        table: SlotTable = self._local.table
        return table

    def reindex(self) -> None:
        """Sort late posts in, which raises the version."""
        with self._lock:
            length = len(self.columns)
            self._order.reindex(self.columns.instants_us[:length])

    def seal(self) -> None:
        """Build every span that a question asked now needs."""

    def fork(self, columns: PostColumns) -> NeighbourIndex:
        """Return an index for columns that begin with the same posts; nothing is copied.

        Args:
            columns: a fork of the columns.
        """
        fork = NeighbourIndex(columns, self.settings, self.folder)
        self._posts()
        with self._lock:
            fork._order, fork._lock = self._order.fork(), self._lock
        return fork


def _check_queries(
    terms: sparse.csr_matrix | None, vectors: Mapping[str, Floats], queries: int, likeness: Likeness
) -> None:
    for space in likeness.spaces:
        given = terms if space == WORDS else vectors.get(space)
        if given is None:
            raise ValueError(f"the space {space!r} has a weight, but the questions have no {space}; give them")
        if given.shape[0] != queries:
            raise ValueError(f"{given.shape[0]} rows of {space!r} for {queries} instants")


def _questions(
    terms: sparse.csr_matrix | None, vectors: Mapping[str, Floats], instants_us: Ints, likeness: Likeness
) -> list[Question]:
    units = {}
    for space in likeness.spaces:
        if space != WORDS:
            rows = np.asarray(vectors[space], np.float64)
            lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            units[space] = rows / np.where(lengths > 0, lengths, 1)[:, None]
    questions = []
    for row, instant in enumerate(instants_us):
        entries = slice(0, 0) if terms is None else slice(terms.indptr[row], terms.indptr[row + 1])
        slots = np.empty(0, np.int32) if terms is None else terms.indices[entries]
        weights = np.empty(0) if terms is None else terms.data[entries].astype(np.float64)
        questions.append(Question(int(instant), slots, weights, {space: rows[row] for space, rows in units.items()}))
    return questions
