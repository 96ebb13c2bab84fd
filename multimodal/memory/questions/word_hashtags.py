"""P(hashtag | word) over the last posts with a word or name of the caption, and ways to join those of a caption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.columns import QuestionColumns
from multimodal.memory.questions.following import ALL_POSTS, FollowingPostings
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Rule = Literal["max", "mean", "noisy_or", "lift"]
RULES: tuple[Rule, ...] = get_args(Rule)
# How many posts the share of a hashtag among all posts counts for.
PRIOR = 2.0
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class WordPostings:
    """What the chances of hashtags given words are counted from: posts by word (or name), by hashtag, and all."""

    words: FollowingPostings
    hashtags: FollowingPostings
    posts: FollowingPostings


def chances(
    columns: QuestionColumns,
    postings: WordPostings,
    rows: Ints,
    words: Ints,
    moments_us: Ints,
    last: int,
    rules: tuple[Rule, ...],
) -> HashtagValues:
    """Return P(hashtag | words) by each rule, see `MemoryQuestions.word_hashtags`.

    Args:
        columns: the memory.
        postings: of it.
        rows: (W,) the question of each word, ascending.
        words: (W,) keys of words, ascending for a question.
        moments_us: (Q,) instants of the questions.
        last: how many posts with each word are looked at.
        rules: see `RULES`.
    """
    found = postings.words.last(columns, words, moments_us[rows], last)
    seen = np.bincount(found.rows, minlength=len(rows))
    posts, hashtags = columns.hashtag_pairs(found.positions, dead=True)
    joined = _Joined.of(rows, seen, PairGroups.by(found.rows[posts], hashtags))
    uses = postings.hashtags.count(columns, joined.hashtags, moments_us[joined.rows])
    earlier = postings.posts.count(columns, np.full(len(moments_us), ALL_POSTS), moments_us)
    values = joined.values(uses / earlier[joined.rows], rules)
    return HashtagValues(joined.rows, joined.hashtags, values, rules)


def chances_of(
    columns: QuestionColumns, postings: WordPostings, words: Ints, hashtags: Ints, moments_us: Ints, last: int
) -> Floats:
    """Return P(hashtag | word) of Q words and hashtags, (Q,), see `MemoryQuestions.word_chances`."""
    found = postings.words.last(columns, words, moments_us, last)
    posts, used = columns.hashtag_pairs(found.positions, dead=True)
    rows = found.rows[posts]
    seen = np.bincount(found.rows, minlength=len(words))
    with_hashtag = np.bincount(rows[used == hashtags[rows]], minlength=len(words))
    uses = postings.hashtags.count(columns, hashtags, moments_us)
    earlier = postings.posts.count(columns, np.full(len(words), ALL_POSTS), moments_us)
    share = uses / np.maximum(earlier, 1)
    return np.where(with_hashtag > 0, (with_hashtag + PRIOR * share) / (seen + PRIOR), 0.0)


@dataclass(frozen=True, slots=True)
class _Joined:
    """The words of Q captions, W of them, and in how many of their posts each hashtag stood: E (row, hashtag) pairs.

    Attributes:
        words_rows, seen: (W,) the caption of each word and n(w).
        rows, hashtags: (E,).
        groups, with_hashtag, of_word: (P,) for each (word, hashtag) pair its (row, hashtag) pair, n(w, t) and n(w).
    """

    words_rows: Ints
    seen: Ints
    rows: Ints
    hashtags: Ints
    groups: Ints
    with_hashtag: Ints
    of_word: Ints

    @classmethod
    def of(cls, words_rows: Ints, seen: Ints, used: PairGroups) -> _Joined:
        """Join the (word, hashtag) pairs of captions.

        Args:
            words_rows, seen: see the attributes.
            used: the posts with each word and hashtag.
        """
        pairs = PairGroups.by(words_rows[used.rows], used.hashtags)
        return cls(words_rows, seen, pairs.rows, pairs.hashtags, pairs.of, used.counts(), seen[used.rows])

    def values(self, share: Floats, rules: tuple[Rule, ...]) -> Floats:
        """Return (E, len(rules)), given p(t) of each (row, hashtag) pair."""
        made = {"max": self._max, "mean": self._mean, "noisy_or": self._noisy_or, "lift": self._lift}
        return np.stack([made[rule](share) for rule in rules], axis=1).reshape(len(share), len(rules))

    def _chance(self, share: Floats) -> Floats:
        return (self.with_hashtag + PRIOR * share[self.groups]) / (self.of_word + PRIOR)

    def _max(self, share: Floats) -> Floats:
        # A word without the hashtag gives more the rarer it is.
        rarest = np.full(int(self.words_rows.max(initial=-1)) + 1, np.inf)
        np.minimum.at(rarest, self.words_rows, self.seen)
        best = PRIOR * share / (rarest[self.rows] + PRIOR)
        np.maximum.at(best, self.groups, self._chance(share))
        return best

    def _mean(self, share: Floats) -> Floats:
        prior = self._over_words((PRIOR / (self.seen + PRIOR)).astype(np.float64))[self.rows] * share
        counted = np.bincount(self.groups, self.with_hashtag / (self.of_word + PRIOR), minlength=len(share))
        return (counted + prior) / self._over_words(np.ones(len(self.seen)))[self.rows]

    def _noisy_or(self, share: Floats) -> Floats:
        with np.errstate(divide="ignore"):  # a hashtag of every post is certain
            missed = np.where(self.of_word >= _ENOUGH, np.log1p(-self._chance(share)), 0.0)
        return -np.expm1(np.bincount(self.groups, missed, minlength=len(share)))

    def _lift(self, share: Floats) -> Floats:
        without = self._over_words(np.log(PRIOR / (self.seen + PRIOR)).astype(np.float64))[self.rows]
        gains = np.log1p(self.with_hashtag / (PRIOR * share[self.groups]))
        return without + np.bincount(self.groups, gains, minlength=len(share))

    def _over_words(self, values: Floats) -> Floats:
        return np.bincount(self.words_rows, values).astype(np.float64)
