"""`LearningTables`: each post described by what was known before it, and by Systems that were not trained on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from data_loaders.posts import Post
from multimodal.distributed.progress import shared_progress
from multimodal.hybrid.building import TableBuilder
from multimodal.hybrid.candidates import CandidateTable, joined
from multimodal.hybrid.config import RowsConfig
from multimodal.hybrid.learning_posts import LearningPosts, StrippedPosts, instant_cut
from multimodal.hybrid.parts.part_source import PartSource
from multimodal.hybrid.parts.training import TrainedPart
from multimodal.hybrid.sources.base import Questions
from multimodal.hybrid.sources.linear import LinearHead
from multimodal.hybrid.spaces import PostSpaces
from multimodal.hybrid.stripping import strip_some
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.refitted import RefittedHeads
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import System

_POSTS_AT_ONCE = 256
# Gives the sources of a hybrid with these heads and parts, without those of the last argument.
Assemble = Callable[[LinearHead | None, TextHead | None, Sequence[PartSource], Collection[str]], TableBuilder]
# Shares of the train posts after which a head is refitted.
_HEADS = (0.12, 0.25, 0.4, 0.55, 0.7, 0.85)


class LearningTables:
    """Describes train and validation posts by everything that was strictly earlier.

    The heads are refitted as time goes on, to what was known. A System that is a source says nothing of the
    first train posts, which its early training knew; of the later ones speaks what was trained on the first alone; of
    validation posts what was trained on the train split.

    Args:
        spaces: turns posts into words and vectors.
        assemble: gives the sources.
        memory: of the train posts, by time, and of the validation posts.
        parts: the Systems that are sources.
        rows: which posts rankers learn from.
        train, validation: the two splits, train by time.
        texts: how near hashtags are as texts, by the posts of that memory; None without a sentence encoder.
    """

    def __init__(
        self,
        spaces: PostSpaces,
        assemble: Assemble,
        memory: PostMemory,
        parts: Mapping[str, TrainedPart],
        rows: RowsConfig,
        train: Sequence[Post],
        validation: Sequence[Post],
        texts: RefittedHeads | None = None,
    ) -> None:
        self._spaces, self._assemble, self._memory, self._parts = spaces, assemble, memory, parts
        self._lacking, self._texts = rows.lacking, texts
        start = max(int(len(train) * rows.start), len(train) - rows.most_posts)
        self._train, self._validation, self._start = train, validation, min(start, len(train))
        self._heads = self._fit_heads()
        known = [*train, *validation]
        self._remembered = {
            name: {system: _memory_of(system, known) for system in (part.early, part.whole)}
            for name, part in parts.items()
        }

    @property
    def head(self) -> LinearHead:
        """The linear head of the whole train split."""
        return self._heads[len(self._train)]

    @property
    def text_head(self) -> TextHead | None:
        """How near hashtags are as texts, from the whole train split; None without a sentence encoder."""
        return self._text_head(len(self._train))

    def _fit_heads(self) -> dict[int, LinearHead]:
        memory, count = self._memory, len(self._train)
        cuts = {instant_cut(self._train, int(count * share)) for share in _HEADS} | {count}
        # Those before that are asked about no post.
        first = max((cut for cut in cuts if cut <= self._start), default=0)
        terms = memory.terms_at(np.arange(count))
        vectors = {space: memory.vectors_at(space, np.arange(count)) for space in self._spaces.widths}
        hashtags = [memory.hashtags_of(position).tolist() for position in range(count)]
        size = memory.vocabulary_size
        return {
            cut: LinearHead.fit(terms[:cut], {space: rows[:cut] for space, rows in vectors.items()}, hashtags, size)
            for cut in sorted(cuts)
            if cut >= first
        }

    def made(self, left_out: Collection[str] = ()) -> LearningPosts:
        """Return the posts with their tables, without some sources."""
        early = {name: part.early_posts for name, part in self._parts.items()}
        end = len(self._train)
        cuts = sorted({self._start, end, *(cut for cut in (*early.values(), *self._heads) if self._start < cut < end)})
        tables, places, stripped, further = [], [], [], []
        total = len(self._train) - self._start + len(self._validation)
        with shared_progress("asking sources", total) as advance:
            for first, last in itertools.pairwise(cuts):
                chosen = {name: part.early if early[name] <= first else None for name, part in self._parts.items()}
                cut, posts = self._cut_before(first), self._train[first:last]
                tables += self._tables(posts, cut, chosen, left_out, advance)
                found, left = strip_some(posts, self._lacking, first)
                further += self._tables(left, cut, chosen, left_out)
                places += [first - self._start + place for place in found]
                stripped += left
            whole = {name: part.whole for name, part in self._parts.items()}
            tables += self._tables(self._validation, end, whole, left_out, advance)
        learned = [*self._train[self._start :], *self._validation]
        more = StrippedPosts(places, stripped, joined(further)) if stripped else None
        return LearningPosts(learned, end - self._start, joined(tables), more)

    def _cut_before(self, first: int) -> int | None:
        return max((cut for cut in self._heads if cut <= first), default=None)

    def _text_head(self, cut: int | None) -> TextHead | None:
        return None if self._texts is None or cut is None else self._texts.of_first(cut)

    def _tables(
        self,
        posts: Sequence[Post],
        cut: int | None,
        systems: Mapping[str, System | None],
        left_out: Collection[str],
        advance: Callable[[int], None] | None = None,
    ) -> list[CandidateTable]:
        parts = [PartSource(name, system, self._memory_for(name, system)) for name, system in systems.items()]
        head = None if cut is None else self._heads[cut]
        builder = self._assemble(head, self._text_head(cut), parts, left_out)
        tables = []
        for start in range(0, max(len(posts), 1), _POSTS_AT_ONCE):
            part = posts[start : start + _POSTS_AT_ONCE]
            tables.append(builder.table(self._spaces.questions(part, self._memory)))
            if advance is not None:
                advance(len(part))
        return tables

    def _memory_for(self, name: str, system: System | None) -> Callable[[Questions], PostMemory]:
        return lambda questions: questions.memory if system is None else self._remembered[name][system]


def _memory_of(system: System, posts: Sequence[Post]) -> PostMemory:
    memory = system.new_memory()
    add_in_batches(system, memory, posts)
    return memory
