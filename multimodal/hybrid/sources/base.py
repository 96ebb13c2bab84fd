"""`Source`: what says something of hashtags for a post."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.batches import Related
from data_loaders.posts import Post
from multimodal.hybrid.names import HashtagNames
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.questions.hashtag_values import HashtagValues
from multimodal.memory.questions.postings import Found
from multimodal.memory.search.columns import WORDS

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Questions:
    """B posts as sources see them, and what was posted before.

    Attributes:
        posts: B posts; their own hashtags are not read.
        instants_us: (B,) only posts strictly earlier count; those of posts that are written now are resolved.
        captions: cleaned, "" for none.
        terms: (B, slots) TF-IDF weights of the captions' words and pairs of words.
        words: (B, slots) the same of the words alone.
        vectors: of each dense space, (B, its width), zeros where a post has none.
        memory: earlier posts, and perhaps later ones.
        names: numbers of hashtags, those of the memory and words that never were hashtags.
        mentions: slots of the names that each caption addresses.
        histories: what `history` has found, by limit.
        related: the neighbours that sources have found, by name of the source.
        latest: what `newest` has found, by limit.
    """

    posts: Sequence[Post]
    instants_us: Ints
    captions: Sequence[str]
    terms: sparse.csr_matrix
    words: sparse.csr_matrix
    vectors: Mapping[str, Floats]
    memory: PostMemory
    names: HashtagNames
    mentions: Sequence[Sequence[int]]
    histories: dict[int, Ints] = field(default_factory=dict)
    related: dict[str, Related] = field(default_factory=dict)
    latest: dict[int, tuple[Candidates, Found]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.posts)

    @cached_property
    def users(self) -> list[str | None]:
        """Who writes each post, (B,)."""
        return [post.user_id for post in self.posts]

    @cached_property
    def earlier(self) -> Ints:
        """How many posts are earlier than each, (B,)."""
        return self.memory.questions.posts_before(self.instants_us)

    def history(self, limit: int) -> Ints:
        """Return positions of the last earlier posts of each post's user, (B, limit), see `PostMemory.history`."""
        longer = next((found for known, found in self.histories.items() if known >= limit), None)
        if longer is None:
            longer = self.histories[limit] = self.memory.history(self.users, self.instants_us, limit)
        return longer[:, :limit]

    def newest(self, candidates: Candidates, last: int) -> Found:
        """Return the last earlier posts with each candidate, newest first; see `MemoryQuestions.newest_with`."""
        kept = self.latest.get(last)
        if kept is None or kept[0] is not candidates:
            moments = self.instants_us[candidates.rows]
            found = self.memory.questions.newest_with(candidates.hashtags, moments, last=last)
            kept = self.latest[last] = candidates, found
        return kept[1]

    def has(self, space: str) -> Flags:
        """Return which posts have something to compare in a space, (B,)."""
        if space == WORDS:
            return np.asarray(self.terms.indptr[1:] > self.terms.indptr[:-1])
        return np.asarray(np.count_nonzero(self.vectors[space], axis=1) > 0)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Hashtags to describe, n in all.

    Attributes:
        rows: (n,) the post of each, ascending.
        hashtags: (n,) its number in `Questions.names`.
        proposed: (n, S) which source proposed it.
    """

    rows: Ints
    hashtags: Ints
    proposed: Flags


class Source(ABC):
    """Says of hashtags how likely they are for a post, by one idea.

    What a source says depends on the post and on strictly earlier posts alone; of a hashtag that was not used before
    it says 0, whether the hashtag will ever be used or not. Only a source that proposes words of the caption says more.

    Attributes:
        name: unique, the prefix of its columns.
        columns: what its values are; the first one orders what it proposes.
        ranked: those of the columns that are given as rank in the post and as share of the post's largest, too.
        reach: how many hashtags of a post it proposes as candidates, those with the largest positive first values.
    """

    name: str
    columns: tuple[str, ...]
    ranked: tuple[str, ...] = ()
    reach: int = 0

    @abstractmethod
    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return what it knows of hashtags for each post; hashtags that it does not name have 0.

        Args:
            questions: the posts.
            found: what the sources before it returned, by name.
        """

    def missing(self, questions: Questions) -> Flags:
        """Return the posts of which it can say nothing, (B,): its values are NaN there. By default none."""
        return np.zeros(len(questions), np.bool_)


class Description(ABC):
    """Says something of hashtags that are candidates already, whatever proposed them.

    Attributes:
        name: unique, the prefix of its columns.
        columns: what its values are.
        ranked: see `Source`.
    """

    name: str
    columns: tuple[str, ...]
    ranked: tuple[str, ...] = ()

    @abstractmethod
    def describe(self, questions: Questions, candidates: Candidates, found: Mapping[str, HashtagValues]) -> Values:
        """Return values of n candidates, (n, columns).

        Args:
            questions: the posts.
            candidates: the hashtags to describe.
            found: what every source returned, by name.
        """
