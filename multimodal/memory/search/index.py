"""`NeighbourIndex`: the earlier posts that resemble a post most."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from data_loaders.batches import Related
from multimodal.distributed.forking import ForkSafeLock
from multimodal.distributed.progress import shown
from multimodal.memory.search.columns import WORDS, Floats, Ints, Mask, PostColumns
from multimodal.memory.search.cover import SpanPlace, cover, frozen_spans
from multimodal.memory.search.likeness import Likeness, Question
from multimodal.memory.search.parts import Parts
from multimodal.memory.search.recent_posts import RecentPosts
from multimodal.memory.search.search_run import Access, Found, SearchRun
from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import OrderedPosts, TimeOrder

_SAMPLED = 4_096
_BAR_FROM_QUESTIONS = 5_000
_MOSTLY = 0.75


class NeighbourIndex:
    """Finds posts strictly before an instant by any `Likeness`; posts appended to the columns are found from then on.

    Args:
        columns: the remembered posts.
        settings: sizes and kinds of the indices.
        folder: where spans are kept; None to keep them in memory.
        reindexed: the `reindexed` of the index that searched the same posts before.
        fingerprints: of the encoders of the dense spaces, which name the files of their spans.
        background: whether a thread builds what questions will ask soon, as posts come in.
    """

    def __init__(
        self,
        columns: PostColumns,
        settings: IndexSettings | None = None,
        folder: Path | None = None,
        reindexed: tuple[int, int] = (0, 0),
        fingerprints: Mapping[str, str] | None = None,
        background: bool = False,
    ) -> None:
        self.columns, self.settings = columns, settings or IndexSettings()
        self._order = TimeOrder(self.settings, reindexed)
        self._parts = Parts(self.settings, folder, fingerprints or {})
        self._recent, self._late = RecentPosts(), RecentPosts()
        self._spaces: set[str] = set()
        self._lock = ForkSafeLock()
        self._background, self._sealing = background, threading.Thread()

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
        exact: bool = False,
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
            exact: compare with every earlier post, whatever indices there are.

        Returns:
            Positions (Q, n), best first, -1 where fewer have a positive likeness, and their similarity, 0..1 for
            weights that sum to 1.

        Raises:
            ValueError: a space has a weight but no vectors, or their number is not Q.
        """
        _check_queries(terms, vectors, len(instants_us), likeness)
        positions = np.full((len(instants_us), count), -1, np.int64)
        similarity = np.zeros((len(instants_us), count), np.float32)
        questions = _questions(terms, vectors, instants_us, likeness)
        if not count:
            return Related(positions, similarity)
        run = self._run(likeness, count, admitted)
        answers: Iterator[tuple[int, Found]]
        if exact:
            answers = ((row, run.scan(question)) for row, question in enumerate(questions))
        elif among is not None:
            chosen = [np.unique(row[row >= 0]) for row in among]
            answers = ((row, run.best(question, chosen[row])) for row, question in enumerate(questions))
        else:
            answers = run.answers(questions)
        # A progress bar starts a thread, even where it is not shown.
        if len(questions) >= _BAR_FROM_QUESTIONS:
            answers = shown(answers, "finding similar posts", len(questions))
        for row, (best, values) in answers:
            positions[row, : len(best)] = best
            similarity[row, : len(best)] = values
        return Related(positions, similarity)

    def _run(self, likeness: Likeness, count: int, admitted: Mask | None) -> SearchRun:
        access = Access(self.columns, self._posts(), self._parts, self._recent, self._late, self.settings)
        self._spaces.update(likeness.spaces)
        alive = self.columns.alive
        if alive is not None and not alive[:: max(len(alive) // _SAMPLED, 1)].mean() > _MOSTLY:
            # Where many are dead, spans leave them out.
            admitted = alive if admitted is None else alive[: len(admitted)] & admitted[: len(alive)]
        return SearchRun(access, likeness, count, admitted)

    def _posts(self) -> OrderedPosts:
        with self._lock:
            length, frozen = len(self.columns), len(self._order.posts.frozen)
            if length != self._order.seen:
                self._order.extend(self.columns.instants_us[:length])
            if self._background and len(self._order.posts.frozen) != frozen and not self._sealing.is_alive():
                self._sealing = threading.Thread(
                    target=self._seal, args=(self._order.posts, sorted(self._spaces)), daemon=True
                )
                self._sealing.start()
            return self._order.posts

    def reindex(self) -> None:
        """Sort late posts in, which raises the version."""
        with self._lock:
            length = len(self.columns)
            self._order.reindex(self.columns.instants_us[:length])

    def seal(self, spaces: Sequence[str] | None = None) -> None:
        """Build every span that a question asks now or soon; other threads may ask and append meanwhile.

        It changes no answer: what is missing is built when it is asked.

        Args:
            spaces: to build them for; None for those asked so far.
        """
        self._seal(self._posts(), sorted(self._spaces if spaces is None else spaces))

    def _seal(self, posts: OrderedPosts, spaces: Sequence[str]) -> None:
        for place in self._spans(posts):
            for space in spaces:
                self._parts.build(self.columns, posts, place, space)

    def _spans(self, posts: OrderedPosts) -> list[SpanPlace]:
        asked_now = cover(len(posts.frozen) + len(posts.open), self.settings)
        return list(dict.fromkeys((*asked_now, *frozen_spans(len(posts.frozen), self.settings))))

    def spans(self) -> list[SpanPlace]:
        """Return every span that a question asks now or soon."""
        return self._spans(self._posts())

    def span_name(self, place: SpanPlace, space: str) -> str:
        """Return the name of the folder, in that of the index, which keeps a span for a space."""
        return self._parts.name(self.columns, self._posts(), place, space)

    def write_span(self, place: SpanPlace, space: str, folder: Path) -> None:
        """Build a span for a space and write it into an empty folder.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        self._parts.write(self.columns, self._posts(), place, space, folder)

    def verify(self) -> list[str]:
        """Read all files of spans; return what is wrong with damaged ones, which are built again when asked."""
        return self._parts.verify()

    def prune(self) -> None:
        """Remove the files of all spans but those in use, such as those of longer spans' parts."""
        self._parts.prune()

    def fork(self, columns: PostColumns) -> NeighbourIndex:
        """Return an index for columns that begin with the same posts; nothing is copied.

        Args:
            columns: a fork of the columns.
        """
        fork = NeighbourIndex(columns, self.settings)
        self._posts()
        with self._lock:
            fork._order, fork._lock, fork._parts = self._order.fork(), self._lock, self._parts
        fork._recent, fork._late, fork._spaces = self._recent.fork(), self._late.fork(), set(self._spaces)
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
