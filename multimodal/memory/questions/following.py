"""What the questions derive from a memory, and how it follows the memory as posts come and die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.columns import QuestionColumns
from multimodal.memory.questions.hashtag_values import pair_keys
from multimodal.memory.questions.postings import Found, Postings
from multimodal.memory.questions.trend_table import TrendTable

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
# Keys and positions of the entries that posts at some positions have.
Entries = Callable[[QuestionColumns, Ints], tuple[Ints, Ints]]

Name = Literal["hashtags", "words", "mentions", "posts"]

ALL_POSTS = 0
_NONE: Ints = np.empty(0, np.int64)
_POSTS_A_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a memory since a structure was derived from it.

    Attributes:
        length: how many posts the memory had.
        alive: False for dead posts among them; None if there are none.
        dead: their positions, ascending.
        born: positions of living posts that came since.
        died: positions of posts that were living and are dead.
    """

    length: int = 0
    alive: Flags | None = None
    dead: Ints = field(default_factory=_NONE.copy)
    born: Ints = field(default_factory=_NONE.copy)
    died: Ints = field(default_factory=_NONE.copy)

    @property
    def state(self) -> tuple[int, int]:
        """How many posts the memory had, and how many of them were dead."""
        return self.length, len(self.dead)

    def since(self, columns: QuestionColumns) -> News | None:
        """Return what happened since these news, None for nothing."""
        length, count, alive = columns.extent
        if (length, count) == self.state:
            return None
        born = np.arange(self.length, length)
        if alive is None or count == len(self.dead):
            return News(length, alive, self.dead, born)
        dead = np.flatnonzero(~alive)
        died = np.setdiff1d(dead, self.dead, assume_unique=True)
        return News(length, alive, dead, born[alive[self.length :]], died[died < self.length])


@dataclass(frozen=True, slots=True)
class FollowingPostings:
    """Postings of all posts of a memory.

    Attributes:
        entries_of: the keys of a post.
        postings: of the posts that are alive, or were when they came.
        dead: of those of them that died since.
        news: how far they follow the memory.
    """

    entries_of: Entries
    postings: Postings = field(default_factory=Postings)
    dead: Postings = field(default_factory=Postings)
    news: News = field(default_factory=News)

    @property
    def state(self) -> tuple[int, int]:
        """See `Derived.state`."""
        return self.news.state

    @classmethod
    def of(cls, name: Name) -> FollowingPostings:
        """Return the postings of an empty memory, with hashtags, words, names or languages as the keys of posts."""
        return cls(_ENTRIES[name])

    def followed(self, columns: QuestionColumns) -> FollowingPostings:
        """Return the postings of the memory as it is now."""
        news = self.news.since(columns)
        if news is None:
            return self
        postings, dead = self.postings.fork(), self.dead.fork()
        for born in _blocks(news.born):
            postings.add(*self.entries_of(columns, born), columns.instants_us)
        dead.add(*self.entries_of(columns, news.died), columns.instants_us)
        return FollowingPostings(self.entries_of, postings, dead, news)

    def last(self, columns: QuestionColumns, keys: Ints, moments_us: Ints, count: int) -> Found:
        """Find the newest living posts of each key strictly before a moment, see `Postings.last`."""
        alive = self.news.alive if len(self.dead) else None
        return self.postings.last(keys, moments_us, count, columns.instants_us, alive)

    def count(self, columns: QuestionColumns, keys: Ints, moments_us: Ints) -> Ints:
        """Return how many living posts each key has strictly before a moment, (Q,)."""
        counts = self.postings.count(keys, moments_us, columns.instants_us)
        return counts - self.dead.count(keys, moments_us, columns.instants_us)

    def between(self, columns: QuestionColumns, key: int, since_us: int, until_us: int) -> Ints:
        """Return the living posts of a key from one instant to strictly before another, in order of time."""
        positions = self.postings.between(key, since_us, until_us, columns.instants_us)
        alive = self.news.alive if len(self.dead) else None
        return positions if alive is None else positions[alive[positions]]


@dataclass(frozen=True, slots=True)
class FollowingTrends:
    """Decayed counts over all posts of a memory, or over those with a caption in one language.

    Attributes:
        table: the counts.
        language: a code; None for all posts.
        news: how far they follow the memory.
    """

    table: TrendTable
    language: str | None
    news: News = field(default_factory=News)

    @property
    def state(self) -> tuple[int, int]:
        """See `Derived.state`."""
        return self.news.state

    @classmethod
    def of(cls, key: tuple[int, str | None]) -> FollowingTrends:
        """Return the counts of an empty memory for a half-life in microseconds and a language."""
        half_life_us, language = key
        return cls(TrendTable(half_life_us), language)

    def followed(self, columns: QuestionColumns) -> FollowingTrends:
        """Return the counts of the memory as it is now."""
        news = self.news.since(columns)
        if news is None:
            return self
        table = self.table
        for positions, sign in ((news.born, 1), (news.died, -1)):
            for block in _blocks(positions):
                kept = block[_in_language(columns, block, self.language)]
                posts, hashtags = columns.hashtag_pairs(kept, dead=True)
                table = table.with_uses(columns.instants_us[kept[posts]], hashtags, sign)
        return FollowingTrends(table, self.language, news)


def _hashtag_entries(columns: QuestionColumns, positions: Ints) -> tuple[Ints, Ints]:
    """Give each post the keys of its hashtags."""
    posts, hashtags = columns.hashtag_pairs(positions, dead=True)
    return hashtags, positions[posts]


def _word_entries(columns: QuestionColumns, positions: Ints) -> tuple[Ints, Ints]:
    """Give each post the keys of its caption's words: their slots."""
    terms = columns.terms_at(positions)
    return terms.indices.astype(np.int64), np.repeat(positions, np.diff(terms.indptr))


def _mention_entries(columns: QuestionColumns, positions: Ints) -> tuple[Ints, Ints]:
    """Give each post the keys of the names that its caption addresses: those of anybody, and those of its user."""
    posts, slots = columns.mention_pairs(positions)
    users = columns.users[positions[posts]]
    own = users >= 0
    keys = np.concatenate([slots, mention_keys(slots[own], users[own])])
    return keys, positions[np.concatenate([posts, posts[own]])]


def mention_keys(slots: Ints, users: Ints) -> Ints:
    """Return the keys of names as users address them, (n,) each; of anybody for user number -1."""
    return pair_keys(users + 1, slots)


def _post_entries(columns: QuestionColumns, positions: Ints) -> tuple[Ints, Ints]:
    """Give each post the key of all posts, and that of its caption's language."""
    languages = columns.language_numbers(positions)
    known = languages >= 0
    keys = np.concatenate([np.full(len(positions), ALL_POSTS), languages[known] + 1])
    return keys, np.concatenate([positions, positions[known]])


_ENTRIES: dict[Name, Entries] = {
    "hashtags": _hashtag_entries,
    "words": _word_entries,
    "mentions": _mention_entries,
    "posts": _post_entries,
}


def _in_language(columns: QuestionColumns, positions: Ints, language: str | None) -> NDArray[np.bool_]:
    """Return which posts have a caption in a language; all for None."""
    if language is None:
        return np.ones(len(positions), np.bool_)
    return np.equal(columns.language_numbers(positions), language_number(columns, language))


def language_number(columns: QuestionColumns, language: str) -> int:
    """Return the number of a language, one that no post has if none is known."""
    return columns.languages.index(language) if language in columns.languages else len(columns.languages)


def _blocks(positions: Ints) -> list[Ints]:
    return [positions[start : start + _POSTS_A_BLOCK] for start in range(0, len(positions), _POSTS_A_BLOCK)]
