"""`SearchRun`: one batch of questions against one state of the memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.columns import WORDS, Ints, Mask, PostColumns
from multimodal.memory.search.cover import SpanPlace, cover
from multimodal.memory.search.dense.asked_vectors import AskedVectors
from multimodal.memory.search.gathered import Gathered
from multimodal.memory.search.likeness import Likeness, Question, Workspace, best_first, similarity_of
from multimodal.memory.search.parts import Parts
from multimodal.memory.search.recent_posts import RecentPosts
from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import OrderedPosts
from multimodal.memory.search.word_span import read_lists

Found = tuple[Ints, NDArray[np.float64]]
Proposed = tuple[Ints, bool]
_QUESTIONS_A_GROUP = 512
_SCANNED_POSTS = 16_384
_WIDER = 8
_workspaces = threading.local()


@dataclass(frozen=True, slots=True)
class Access:
    """What the answers to a batch are made of.

    Attributes:
        columns: the posts.
        posts: their order.
        parts: indices of spans.
        recent: rows of the posts behind the spans.
        late: rows of late posts.
        settings: of the index.
    """

    columns: PostColumns
    posts: OrderedPosts
    parts: Parts
    recent: RecentPosts
    late: RecentPosts
    settings: IndexSettings


@dataclass(frozen=True, slots=True)
class SearchRun:
    """Finds the posts most like each of many questions.

    Attributes:
        access: to the posts.
        likeness: what is compared.
        count: how many to find, at least 1.
        usable: (N,) which posts may be found; None for all.
    """

    access: Access
    likeness: Likeness
    count: int
    usable: Mask | None = None
    workspace: Workspace = field(default_factory=lambda: _workspace())

    def answers(self, questions: Sequence[Question]) -> Iterator[tuple[int, Found]]:
        """Yield the row of each question with positions and similarity, best first."""
        scanned = self._few_usable()
        if scanned is not None:
            for row, question in enumerate(questions):
                yield row, self.best(question, scanned)
            return
        for rows, places, edge in self._groups(questions):
            group = [questions[row] for row in rows]
            candidates, complete = self._candidates(group, places, edge, 1)
            for index, row in enumerate(rows):
                found = self.best(group[index], candidates[index])
                if len(found[0]) < self.count and not complete[index]:
                    found = self._wider(group[index], places, edge)
                yield row, found

    def _few_usable(self) -> Ints | None:
        """Return the positions that may be found, where they are so few that all of them are compared."""
        if self.usable is None or np.count_nonzero(self.usable) > _SCANNED_POSTS:
            return None
        return np.flatnonzero(self.usable)

    def _groups(self, questions: Sequence[Question]) -> Iterator[tuple[list[int], list[SpanPlace], int]]:
        """Yield questions that ask the same spans: their rows, the spans, and where the latest of them ends."""
        earlier = [self.access.posts.before(question.instant_us) for question in questions]
        group: list[int] = []
        places: list[SpanPlace] = []
        for row in np.argsort(earlier, kind="stable").tolist():
            asked = cover(earlier[row], self.access.settings)
            if group and (asked != places or len(group) == _QUESTIONS_A_GROUP):
                yield group, places, earlier[group[-1]]
                group = []
            group.append(row)
            places = asked
        if group:
            yield group, places, earlier[group[-1]]

    def _wider(self, question: Question, places: list[SpanPlace], edge: int) -> Found:
        """Ask again for more candidates, in the end for all."""
        candidates, complete = self._candidates([question], places, edge, _WIDER)
        found = self.best(question, candidates[0])
        return found if len(found[0]) == self.count or complete[0] else self.scan(question)

    def _candidates(
        self, group: Sequence[Question], places: Sequence[SpanPlace], edge: int, factor: int
    ) -> tuple[list[Ints], list[bool]]:
        """Return positions for each question, and whether they are all that have a positive likeness."""
        found: list[list[Ints]] = [[] for _ in group]
        complete = [True] * len(group)
        if places:
            spaces = self.likeness.spaces
            asked = [self._ask_words] if WORDS in spaces else []
            asked += [partial(self._ask_vectors, space) for space in spaces if space != WORDS]
            for ask in asked:
                for index, (positions, all_found) in enumerate(ask(group, places, factor)):
                    found[index].append(positions)
                    complete[index] &= all_found
        for part in self._exact_parts(places, edge):
            usable = self._usable(part.posts.positions)
            for index, question in enumerate(group):
                stop = part.posts.before(question.instant_us)
                near = part.candidates(question, stop, self.count, self.likeness, usable, self.workspace)
                found[index].append(near)
        return [_each_once(np.concatenate(parts)) for parts in found], complete

    def _exact_parts(self, places: Sequence[SpanPlace], edge: int) -> Iterator[Gathered]:
        access, start = self.access, places[-1].stop if places else 0
        yield access.recent.of(access.columns, access.posts.part(start, max(edge, start)), self.likeness.spaces)
        if len(access.posts.late):
            yield access.late.of(access.columns, access.posts.late, self.likeness.spaces)

    def _ask_words(self, group: Sequence[Question], places: Sequence[SpanPlace], factor: int) -> list[Proposed]:
        access, settings = self.access, self.access.settings
        parts = [access.parts.words(access.columns, access.posts, place) for place in places]
        middles = access.posts.frozen.instants_us[[(place.start + place.stop) // 2 for place in places]]
        wanted, read = max(settings.word_candidates, 2 * self.count) * factor, settings.postings * factor
        proposed = []
        for question in group:
            # Of posts that are about equally old the most alike count.
            ages = self.likeness.values(np.ones(len(places)), middles, question.instant_us) ** (1 / self.likeness.power)
            spans = [(part, place.start, age) for part, place, age in zip(parts, places, ages.tolist(), strict=True)]
            rows, added, all_read = read_lists(spans, question, read)
            if self.usable is not None:
                kept = self._mask(access.posts.frozen.positions[rows])
                rows, added = rows[kept], added[kept]
            best = self.workspace.largest_sums(rows, added, wanted)
            proposed.append((access.posts.frozen.positions[best], all_read and len(best) < wanted))
        return proposed

    def _ask_vectors(
        self, space: str, group: Sequence[Question], places: Sequence[SpanPlace], factor: int
    ) -> list[Proposed]:
        access, frozen = self.access, self.access.posts.frozen.positions
        asked = AskedVectors(np.stack([question.vectors[space] for question in group]).astype(np.float32))
        most = [max(access.settings.candidates_of(len(place)), self.count) * factor for place in places]
        rows: list[Ints] = []
        for place, wanted in zip(places, most, strict=True):
            part = access.parts.dense(access.columns, access.posts, place, space)
            usable = None if self.usable is None else self._mask(frozen[place.start : place.stop])
            rows.append(part.candidates(asked, min(wanted, len(place)), None, usable))
        starts = np.repeat([place.start for place in places], [found.shape[1] for found in rows])
        found = np.concatenate(rows, 1)
        known, all_ = found >= 0, all(wanted >= len(place) for place, wanted in zip(places, most, strict=True))
        found += starts
        without = np.ones(len(group), bool)
        without[asked.rows] = False
        return [(frozen[found[row, known[row]]], all_ or bool(without[row])) for row in range(len(group))]

    def _usable(self, positions: Ints) -> Mask | None:
        """Return which posts may be found and are alive, None for all."""
        alive = self.access.columns.alive
        admitted = None if self.usable is None else self._mask(positions)
        if alive is None:
            return admitted
        return alive[positions] if admitted is None else alive[positions] & admitted

    def _mask(self, positions: Ints) -> Mask:
        inside: Mask = np.zeros(len(positions), bool)
        if self.usable is not None:
            known = positions < len(self.usable)
            inside[known] = self.usable[positions[known]]
        return inside

    def scan(self, question: Question) -> Found:
        """Compare a question with every earlier post."""
        posts = self.access.posts
        edge, found = posts.before(question.instant_us), []
        for start in range(0, edge, _SCANNED_POSTS):
            found.append(self.best(question, posts.part(start, min(start + _SCANNED_POSTS, edge)).positions)[0])
        return self.best(question, np.concatenate([*found, posts.late.positions]))

    def best(self, question: Question, positions: Ints) -> Found:
        """Return the most alike of some posts that are earlier, alive and usable, and their similarity."""
        columns = self.access.columns
        usable = self._usable(positions)
        if usable is not None:
            positions = positions[usable]
        instants = columns.instants_us[positions]
        earlier = instants < question.instant_us
        positions, instants = positions[earlier], instants[earlier]
        similarity = similarity_of(question, columns, positions, self.likeness, self.workspace)
        values = self.likeness.values(similarity, instants, question.instant_us)
        best = best_first(values, instants, positions, self.count)
        return positions[best], similarity[best]


def _each_once(positions: Ints) -> Ints:
    """Return positions rising, each once, for few of them faster than `np.unique`; they are sorted in place."""
    positions.sort()
    return positions[np.append(True, positions[1:] != positions[:-1])] if len(positions) else positions


def _workspace() -> Workspace:
    if not hasattr(_workspaces, "room"):
        _workspaces.room = Workspace()
    room: Workspace = _workspaces.room
    return room
