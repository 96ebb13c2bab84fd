"""MemoryQuestions: trends against a slow loop, and every question alone as among others."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from scipy import sparse

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.questions.columns import Extent
from multimodal.memory.questions.memory_questions import MemoryQuestions
from multimodal.memory.questions.word_hashtags import RULES

HALF_LIFE = timedelta(days=7)
N, H = 2_000, 300


class Columns:
    """Posts of a year with three hashtags and some words each, in order of time."""

    extent, languages, slots, detect_languages = Extent(N, 0, None), ("en",), 50, False

    def __init__(self):
        random = np.random.default_rng(0)
        self.id_map = HashtagIdMap([f"h{index}" for index in range(H)])
        self.instants_us = np.sort(random.integers(0, 365 * 86_400 * 10**6, N))
        self.hashtags = ((H * random.random((N, 1)) ** 3).astype(int) + np.array([0, 7, 13])) % H
        slots = (50 * random.random(N * 8) ** 3).astype(int)
        self.words = sparse.csr_matrix((np.ones(N * 8), slots, np.arange(N + 1) * 8), shape=(N, 50))
        self.words.sum_duplicates()

    def language_numbers(self, positions):
        return positions % 2 - 1

    def hashtag_pairs(self, positions, *, dead):
        return np.repeat(np.arange(len(positions)), 3), self.hashtags[positions].ravel()

    def terms_at(self, positions):
        return self.words[positions]

    def resolve(self, instants_us):
        return instants_us


COLUMNS = Columns()
MOMENTS = COLUMNS.instants_us[1::50]


@pytest.mark.parametrize("language", [None, "en"])
def test_trends_are_the_sums_of_their_definition(language):
    top = MemoryQuestions(COLUMNS).trends(MOMENTS, HALF_LIFE, language=language, count=5)
    for row, moment in enumerate(MOMENTS):
        earlier = (COLUMNS.instants_us < moment) & ((language is None) | (np.arange(N) % 2 == 1))
        weights = 2.0 ** (-(moment - COLUMNS.instants_us[earlier]) / (HALF_LIFE / timedelta(microseconds=1)))
        sums = np.bincount(COLUMNS.hashtags[earlier].ravel(), np.repeat(weights, 3), minlength=H)
        np.testing.assert_allclose(top.values[row], np.sort(sums)[::-1][:5], rtol=1e-9)


def test_a_question_alone_as_in_a_sweep():
    sweep = MemoryQuestions(COLUMNS)
    top = sweep.trends(MOMENTS, HALF_LIFE)
    together = sweep.cooccurrence(top.hashtags[:, :2], MOMENTS, decay=0.3)
    words = sweep.word_hashtags(COLUMNS.words[1::50], MOMENTS, rules=RULES)
    for row in range(len(MOMENTS)):
        one, alone = slice(row, row + 1), MemoryQuestions(COLUMNS)
        for left, right in zip(alone.trends(MOMENTS[one], HALF_LIFE), top, strict=True):
            assert (left[0] == right[row]).all()
        for single, many in (
            (alone.cooccurrence(top.hashtags[one, :2], MOMENTS[one], decay=0.3), together),
            (alone.word_hashtags(COLUMNS.words[1::50][one], MOMENTS[one], rules=RULES), words),
        ):
            assert (single.hashtags == many.hashtags[many.rows == row]).all()
            assert (single.values == many.values[many.rows == row]).all()


def test_questions_about_one_instant_after_another_are_answered_as_in_a_sweep():
    sweep, one_by_one = MemoryQuestions(COLUMNS), MemoryQuestions(COLUMNS)
    top = sweep.trends(MOMENTS, HALF_LIFE)
    values = sweep.trend_values(top.hashtags[::-1], MOMENTS, HALF_LIFE)
    for row in (3, 20, 20, 3, 4):
        one = slice(row, row + 1)
        assert one_by_one.trends(MOMENTS[one], HALF_LIFE).values.tolist() == top.values[one].tolist()
        found = one_by_one.trend_values(top.hashtags[::-1][one], MOMENTS[one], HALF_LIFE)
        assert found.tolist() == values[one].tolist()


def test_the_last_posts_with_any_of_some_hashtags():
    given = np.stack([COLUMNS.hashtags[1::50, 0], np.full(len(MOMENTS), -1), COLUMNS.hashtags[::50, 1]], axis=1)
    rows, positions = MemoryQuestions(COLUMNS).posts_with(given, MOMENTS, last=6)
    for row, moment in enumerate(MOMENTS):
        expected = set()
        for hashtag in given[row][given[row] >= 0]:
            carriers = (COLUMNS.instants_us < moment) & (COLUMNS.hashtags == hashtag).any(1)
            expected |= set(np.flatnonzero(carriers)[-6:].tolist())
        assert positions[rows == row].tolist() == sorted(expected)


def test_a_half_life_has_to_be_sensible():
    with pytest.raises(ValueError, match=r"half_life is 0:00:00; expected 0:00:01 to"):
        MemoryQuestions(COLUMNS).trends(MOMENTS, timedelta(0))


def test_the_chance_of_a_word_is_that_among_all_hashtags_of_the_word(monkeypatch):
    questions, size = MemoryQuestions(COLUMNS), len(MOMENTS)
    slots, hashtags = np.arange(size) % 50, 3 * np.arange(size) % 20
    words = sparse.csr_matrix((np.ones(size), slots, np.arange(size + 1)), shape=(size, 50))
    expected = questions.word_hashtags(words, MOMENTS, last=5).at(hashtags[:, None])[:, 0, 0]
    assert 0 < np.count_nonzero(expected) < size
    assert questions.word_chances(slots, hashtags, MOMENTS, last=5).tolist() == expected.tolist()
    monkeypatch.setattr("multimodal.memory.questions.memory_questions._POSTS_A_BLOCK", 30)
    assert questions.word_chances(slots, hashtags, MOMENTS, last=5).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="last is -1; expected at least 0"):
        questions.word_chances(slots, hashtags, MOMENTS, last=-1)


def test_counts_of_uses_words_and_posts_are_those_of_a_loop():
    questions, rows = MemoryQuestions(COLUMNS), np.arange(len(MOMENTS))
    hashtags = rows % H
    hashtags[0], words = H + 5, COLUMNS.words[1::50]
    uses, found = questions.uses(hashtags, MOMENTS), questions.newest_with(hashtags, MOMENTS, last=3)
    of_words = questions.word_uses(words.indices, MOMENTS.repeat(np.diff(words.indptr)))
    counts = np.split(of_words, words.indptr[1:-1])
    for row, moment in enumerate(MOMENTS):
        earlier = np.flatnonzero(COLUMNS.instants_us < moment)
        having = earlier[(COLUMNS.hashtags[earlier] == hashtags[row]).any(1)]
        assert uses[row] == len(having)
        assert found.positions[found.rows == row].tolist() == having[::-1][:3].tolist()
        standing = COLUMNS.words[earlier][:, words[row].indices].toarray() > 0
        assert counts[row].tolist() == standing.sum(0).tolist()
        assert questions.posts_before(MOMENTS)[row] == len(earlier)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda q: q.cooccurrence(np.zeros((1, 2), int), MOMENTS[:1], last=-1), "last is -1; expected at least 0"),
        (lambda q: q.cooccurrence(np.zeros(1, int), MOMENTS[:1], decay=np.nan), "decay is nan; expected at least 0"),
        (lambda q: q.cooccurrence(np.zeros((1, 2), int), MOMENTS[:2]), "hashtags has 1 rows for 2 instants; give one"),
        (lambda q: q.trend_values(np.zeros((3, 2), int), MOMENTS[:1], HALF_LIFE), "hashtags has 3 rows for 1 instants"),
        (lambda q: q.own_hashtags(["u"], MOMENTS[:2]), "user_ids has 1 rows for 2 instants; give one for each"),
        (lambda q: q.trends(MOMENTS, HALF_LIFE, count=-2), "count is -2; expected at least 0"),
        (lambda q: q.word_hashtags(COLUMNS.words[:2], MOMENTS[:1]), "words has 2 rows for 1 instants"),
        (
            lambda q: q.word_hashtags(COLUMNS.words[:1, :9], MOMENTS[:1]),
            "have 9 slots, the memory keeps 50 of each post",
        ),
        (
            lambda q: q.word_hashtags(COLUMNS.words[:1], MOMENTS[:1], rules=["sum"]),
            r"rules are \['sum'\]; expected some of",
        ),
    ],
)
def test_what_cannot_be_asked(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(MemoryQuestions(COLUMNS))


def test_no_questions_and_no_hashtags_have_no_answers():
    questions, none = MemoryQuestions(COLUMNS), np.empty(0, np.int64)
    assert questions.trends(none, HALF_LIFE).hashtags.shape == (0, 10)
    assert questions.trends(MOMENTS, HALF_LIFE, count=0).hashtags.shape == (len(MOMENTS), 0)
    assert not len(questions.cooccurrence(np.empty((0, 3), np.int64), none).rows)
    assert not len(questions.cooccurrence(np.full((1, 3), -1), MOMENTS[:1]).rows)
    assert not len(questions.word_hashtags(COLUMNS.words[:0], none).rows)


def test_what_decay_leaves_nothing_of_has_no_share():
    found = MemoryQuestions(COLUMNS).cooccurrence(np.array([[0]]), MOMENTS[-1:], decay=1e6)
    assert len(found.rows)
    assert not found.values[:, :2].any()


def test_behind_all_uses_a_question_alone_gives_what_it_gives_among_others():
    questions, last = MemoryQuestions(COLUMNS), int(COLUMNS.instants_us[-1])
    moments = last + np.array([1, 10**6, 3 * 86_400 * 10**6, 20 * 86_400 * 10**6])
    together, hashtags = questions.trends(moments, HALF_LIFE, count=5), np.arange(H)[None]
    values = questions.trend_values(hashtags.repeat(4, axis=0), moments, HALF_LIFE)
    for row in (3, 0, 1, 2, 0):
        alone = questions.trends(moments[[row]], HALF_LIFE, count=5)
        np.testing.assert_array_equal(alone.hashtags[0], together.hashtags[row])
        np.testing.assert_array_equal(alone.values[0], together.values[row])
        np.testing.assert_array_equal(questions.trend_values(hashtags, moments[[row]], HALF_LIFE)[0], values[row])
    assert len({*together.values[:, 0].tolist()}) == 4
