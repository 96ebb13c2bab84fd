"""`MemoryQuestions`: trends, hashtags used together, of words, names and the own history, strictly earlier than t."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.posts.column import entries_of
from multimodal.memory.posts.languages import refuse_unknown
from multimodal.memory.questions.columns import QuestionColumns
from multimodal.memory.questions.following import (
    ALL_POSTS,
    FollowingPostings,
    FollowingTrends,
    language_number,
    mention_keys,
)
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups
from multimodal.memory.questions.postings import Found
from multimodal.memory.questions.shared_uses import NAMES, used_by, used_together
from multimodal.memory.questions.shelf import Derived, Shelf
from multimodal.memory.questions.trend_table import TopHashtags, TrendTable, Uses
from multimodal.memory.questions.word_hashtags import RULES, Rule, WordPostings, chances, chances_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Structures = TypeVar("Structures", bound="tuple[Derived, ...]")

_NONE: Ints = np.empty(0, np.int64)
# Above the number of half-lives and languages that a System asks for: making one anew reads all posts.
_TABLES = 1_024
_POSTS_A_BLOCK = 2**20
_COLUMNS = ("rows", "hashtags", "values")
_MICROSECOND = timedelta(microseconds=1)
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=365_000)


class MemoryQuestions:
    """Questions to a memory about what was used strictly before an instant, by hashtag, word, name, language and user.

    A question alone and among others gives the same numbers, bit for bit; posts of its instant and later ones, and
    posts that are dead, change nothing. What the answers are made of is built when it is first asked for and follows
    the memory from then on, at a cost of O(log N) a post; an answer costs no more however much is remembered.

    Args:
        columns: the memory.
    """

    def __init__(self, columns: QuestionColumns) -> None:
        self._columns = columns
        self._postings = Shelf(columns, FollowingPostings.of, _TABLES)
        self._tables = Shelf(columns, FollowingTrends.of, _TABLES)

    def fork(self, columns: QuestionColumns) -> MemoryQuestions:
        """Return questions to a fork of the memory; nothing is copied."""
        fork = MemoryQuestions.__new__(MemoryQuestions)
        fork._columns = columns
        fork._postings, fork._tables = self._postings.fork(columns), self._tables.fork(columns)
        return fork

    def trends(
        self, instants_us: Ints, half_life: timedelta, *, language: str | None = None, count: int = 10
    ) -> TopHashtags:
        """Return the hashtags with the largest decayed counts Σ 2^-((t - t_i) / half-life) strictly before t.

        Args:
            instants_us: (Q,) microseconds since 1970, or `NOW_US`.
            half_life: after which a use counts half; a use 64 half-lives ago counts as nothing.
            language: code of the captions' language; None for all posts.
            count: how many, K; equal ones come in the order of their texts.

        Raises:
            ValueError: the half-life is shorter than a second or longer than 1,000 years, `count` is negative, or the
                memory does not know the languages of its captions.
        """
        _refuse_negative(count=count)
        table, uses = self._trends(half_life, language)
        return table.top_at(self._columns.resolve(instants_us), count, uses, self._columns.id_map.__getitem__)

    def trend_values(
        self, hashtags: Ints, instants_us: Ints, half_life: timedelta, *, language: str | None = None
    ) -> Floats:
        """Return the decayed counts of given hashtags, see `trends`.

        Args:
            hashtags: (Q, C) indices, padded with -1, which has 0.
            instants_us: (Q,).
            half_life: see `trends`.
            language: see `trends`.

        Returns:
            (Q, C).
        """
        _refuse_unequal(len(instants_us), hashtags=len(hashtags))
        table, uses = self._trends(half_life, language)
        return table.values_at(self._columns.resolve(instants_us), hashtags, uses)

    def cooccurrence(self, hashtags: Ints, instants_us: Ints, *, last: int = 200, decay: float = 0.0) -> HashtagValues:
        """Count the hashtags that were used together with given ones.

        Args:
            hashtags: (Q, C) indices, padded with -1, or (Q,).
            instants_us: (Q,).
            last: how many of the last earlier posts with each given hashtag are looked at; a post with two of them
                counts twice.
            decay: a post weighs (age in hours + 1)^-decay.

        Raises:
            ValueError: `last` or `decay` is negative.

        Returns:
            For each hashtag other than those given: `share` of the posts looked at, by weight; `count`, the sum of
            their weights; `rank`, how many of them stand before the first one with the hashtag.
        """
        _refuse_negative(last=last, decay=decay)
        moments = self._columns.resolve(instants_us)
        given = hashtags if hashtags.ndim > 1 else hashtags[:, None]
        _refuse_unequal(len(moments), hashtags=len(given))
        postings = self._postings["hashtags"]

        def ask(rows: Ints) -> HashtagValues:
            return used_together(self._columns, postings, given[rows], moments[rows], last, decay)

        return _in_blocks(moments, np.full(len(moments), given.shape[1] * last), NAMES, ask)

    def own_hashtags(
        self, user_ids: Sequence[str | None], instants_us: Ints, *, last: int = 200, decay: float = 0.0
    ) -> HashtagValues:
        """Count the hashtags of each user's last posts; arguments and columns as in `cooccurrence`."""
        _refuse_negative(last=last, decay=decay)
        moments = self._columns.resolve(instants_us)
        _refuse_unequal(len(moments), user_ids=len(user_ids))

        def ask(rows: Ints) -> HashtagValues:
            positions = self._columns.history([user_ids[row] for row in rows], moments[rows], last)
            return used_by(self._columns, positions, moments[rows], decay)

        return _in_blocks(moments, np.full(len(moments), last), NAMES, ask)

    def posts_with(self, hashtags: Ints, instants_us: Ints, *, last: int = 200) -> tuple[Ints, Ints]:
        """Return the last earlier posts with each of some hashtags, each post of a question once.

        Args:
            hashtags: (Q, C) indices, padded with -1.
            instants_us: (Q,).
            last: how many of each hashtag.

        Returns:
            (E,) the question of each post, ascending, and (E,) its position, ascending for a question.
        """
        _refuse_negative(last=last)
        moments = self._columns.resolve(instants_us)
        rows, places = np.nonzero(hashtags >= 0)
        found = self._postings["hashtags"].last(self._columns, hashtags[rows, places], moments[rows], last)
        pairs = PairGroups.by(rows[found.rows], found.positions)
        return pairs.rows, pairs.hashtags

    def word_hashtags(
        self,
        words: sparse.csr_matrix,
        instants_us: Ints,
        *,
        last: int = 50,
        rules: Sequence[Rule] = ("max",),
        best: int | None = None,
    ) -> HashtagValues:
        """Return P(t | w) = (n(w, t) + 2 p(t)) / (n(w) + 2), joined over the words w of each caption.

        n(w) counts the last earlier posts with the word, n(w, t) those of them with hashtag t, and p(t) is the share of
        all earlier posts that have t.

        Args:
            words: (Q, slots) the words of each caption, as `CaptionVectors` gives them; values are not read.
            instants_us: (Q,).
            last: how many posts with each word are looked at.
            rules: `max` and `mean` over the words of the caption; `noisy_or`, 1 - Π (1 - P) over the words that stood
                with t and in at least 2 posts; `lift`, Σ log (P(t | w) / p(t)).
            best: keep that many hashtags of each question by the first rule; None for all that stood with a word.

        Returns:
            A column for each rule.

        Raises:
            ValueError: a rule is unknown, a number is negative, or the memory keeps no such words.
        """
        _refuse_negative(last=last, best=best or 0)
        _refuse_unknown_rules(rules)
        slots, moments = self._columns.slots, self._columns.resolve(instants_us)
        if not slots or words.shape[1] != slots:
            raise ValueError(
                f"the words of captions have {words.shape[1]} slots, the memory keeps {slots} of each post"
            )
        _refuse_unequal(len(moments), words=words.shape[0])
        words = words if words.has_sorted_indices else words.sorted_indices()
        keys, ends = words.indices.astype(np.int64), words.indptr[1:].astype(np.int64)
        return self._chances("words", keys, ends, moments, last, tuple(rules), best)

    def mention_hashtags(
        self,
        mentions: Sequence[Sequence[int]],
        instants_us: Ints,
        *,
        user_ids: Sequence[str | None] | None = None,
        last: int = 50,
        rules: Sequence[Rule] = ("max",),
    ) -> HashtagValues:
        """Return P(hashtag | name) joined over the names that each caption addresses, see `word_hashtags`.

        Args:
            mentions: of Q captions the slots of these names, as `mention_slots` gives them.
            instants_us: (Q,).
            user_ids: Q users, of whose own posts with each name the last are looked at; None for everybody's posts.
            last, rules: see `word_hashtags`.

        Raises:
            ValueError: a rule is unknown, or `last` is negative.
        """
        _refuse_negative(last=last)
        _refuse_unknown_rules(rules)
        moments = self._columns.resolve(instants_us)
        _refuse_unequal(len(moments), mentions=len(mentions))
        slots = np.array([slot for several in mentions for slot in sorted(several)], np.int64)
        counts = np.array([len(several) for several in mentions], np.int64)
        users = np.full(len(moments), -1) if user_ids is None else self._columns.user_numbers(user_ids)
        if user_ids is not None:
            # Nobody's own posts have a name.
            slots, counts = slots[(users >= 0).repeat(counts)], np.where(users >= 0, counts, 0)
        keys = mention_keys(slots, users.repeat(counts))
        return self._chances("mentions", keys, counts.cumsum(), moments, last, tuple(rules))

    def _chances(
        self,
        name: Literal["words", "mentions"],
        keys: Ints,
        ends: Ints,
        moments: Ints,
        last: int,
        rules: tuple[Rule, ...],
        best: int | None = None,
    ) -> HashtagValues:
        """Return the chances of hashtags given the keys of each question, which end at `ends`."""
        if not len(keys):
            return HashtagValues(_NONE, _NONE, np.empty((0, len(rules))), rules)
        shelf = self._postings
        postings = WordPostings(*_of_one_state(lambda: (shelf[name], shelf["hashtags"], shelf["posts"])))

        def ask(rows: Ints) -> HashtagValues:
            counts, entries = entries_of(ends, rows)
            of_rows = np.arange(len(rows)).repeat(counts)
            found = chances(self._columns, postings, of_rows, keys[entries], moments[rows], last, rules)
            return found if best is None else found.best(best, self._columns.id_map.__getitem__)

        return _in_blocks(moments, np.diff(ends, prepend=0) * last, rules, ask)

    def uses(self, hashtags: Ints, instants_us: Ints) -> Ints:
        """Return in how many earlier posts each of Q hashtags was used, (Q,); numbers of no hashtag have 0.

        Args:
            hashtags: (Q,) indices.
            instants_us: (Q,).
        """
        return self._postings["hashtags"].count(self._columns, hashtags, self._columns.resolve(instants_us))

    def newest_with(self, hashtags: Ints, instants_us: Ints, *, last: int) -> Found:
        """Return the last earlier posts with each of Q hashtags, newest first; arguments as in `uses`."""
        _refuse_negative(last=last)
        return self._postings["hashtags"].last(self._columns, hashtags, self._columns.resolve(instants_us), last)

    def word_uses(self, words: Ints, instants_us: Ints) -> Ints:
        """Return in how many earlier posts each of Q words stands, (Q,).

        Args:
            words: (Q,) slots of words, as `slots_of` gives them.
            instants_us: (Q,).
        """
        return self._postings["words"].count(self._columns, words, self._columns.resolve(instants_us))

    def word_chances(self, words: Ints, hashtags: Ints, instants_us: Ints, *, last: int) -> Floats:
        """Return P(t | w) of Q words w and hashtags t, see `word_hashtags`; 0 where none of the posts has t.

        Args:
            words: (Q,) slots of words.
            hashtags: (Q,) indices.
            instants_us: (Q,).
            last: how many posts with each word are looked at.
        """
        _refuse_negative(last=last)
        moments, shelf, found = self._columns.resolve(instants_us), self._postings, [np.empty(0)]
        postings = WordPostings(*_of_one_state(lambda: (shelf["words"], shelf["hashtags"], shelf["posts"])))
        step = max(_POSTS_A_BLOCK // max(last, 1), 1)
        for start in range(0, len(moments), step):
            part = slice(start, start + step)
            found.append(chances_of(self._columns, postings, words[part], hashtags[part], moments[part], last))
        return np.concatenate(found)

    def posts_before(self, instants_us: Ints) -> Ints:
        """Return how many posts are earlier than each of Q instants, (Q,)."""
        moments = self._columns.resolve(instants_us)
        return self._postings["posts"].count(self._columns, np.full(len(moments), ALL_POSTS), moments)

    def _trends(self, half_life: timedelta, language: str | None) -> tuple[TrendTable, Uses]:
        if not _SHORTEST <= half_life <= _LONGEST:
            raise ValueError(f"half_life is {half_life}; expected {_SHORTEST} to {_LONGEST}")
        refuse_unknown(language, self._columns.languages, self._columns.detect_languages)
        name = half_life // _MICROSECOND, language
        trends, posts = _of_one_state(lambda: (self._tables[name], self._postings["posts"]))
        key = ALL_POSTS if language is None else 1 + language_number(self._columns, language)

        def uses(since_us: int, until_us: int) -> tuple[Ints, Ints]:
            positions = posts.between(self._columns, key, since_us, until_us)
            entries, hashtags = self._columns.hashtag_pairs(positions, dead=True)
            return self._columns.instants_us[positions[entries]], hashtags

        return trends.table, uses


def _of_one_state(find: Callable[[], Structures]) -> Structures:
    """Find structures until all are of one state of the memory, which other threads may be changing."""
    found = find()
    while len({structure.state for structure in found}) > 1:
        found = find()
    return found


def _in_blocks(
    moments_us: Ints, costs: Ints, names: tuple[str, ...], ask: Callable[[Ints], HashtagValues]
) -> HashtagValues:
    """Ask for some questions at a time, those of about the same time together, so that memory is bounded."""
    if costs.sum() <= _POSTS_A_BLOCK:
        return ask(np.arange(len(moments_us)))
    order = np.argsort(moments_us, kind="stable")
    cuts = np.flatnonzero(np.diff(np.cumsum(costs[order]) // _POSTS_A_BLOCK)) + 1
    parts = [HashtagValues(_NONE, _NONE, np.empty((0, len(names))), names)]
    for rows in np.split(order, cuts):
        rows = np.sort(rows)
        part = ask(rows)
        parts.append(HashtagValues(rows[part.rows], part.hashtags, part.values, names))
    rows, hashtags, values = (np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS)
    order = np.argsort(rows, kind="stable")
    return HashtagValues(rows[order], hashtags[order], values[order], names)


def _refuse_negative(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} is {value}; expected at least 0")


def _refuse_unknown_rules(rules: Sequence[Rule]) -> None:
    if not rules or not set(rules) <= set(RULES):
        raise ValueError(f"rules are {list(rules)}; expected some of {', '.join(RULES)}")


def _refuse_unequal(questions: int, **lengths: int) -> None:
    for name, length in lengths.items():
        if length != questions:
            raise ValueError(f"{name} has {length} rows for {questions} instants; give one for each")
