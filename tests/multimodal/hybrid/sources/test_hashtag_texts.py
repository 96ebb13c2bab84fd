"""How near hashtags are as texts: strictly earlier posts alone count, as a slow loop says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.posts import Post
from multimodal.hybrid.names import HashtagNames
from multimodal.hybrid.sources.base import Candidates, Questions
from multimodal.hybrid.sources.texts import HashtagTexts
from multimodal.hybrid.texts.head import TextHead
from tests.multimodal.memory.asked_streams import HOUR_US, LAST, TAGS, WIDTH, append, empty, streams

HEAD = TextHead(*np.random.default_rng(7).normal(size=(2, WIDTH, WIDTH)).astype(np.float32))
WORDS = dict(zip((*TAGS, "unknown"), np.random.default_rng(8).normal(size=(7, WIDTH)).astype(np.float32), strict=True))
VECTORS = SimpleNamespace(of=lambda hashtags: np.array([WORDS[one] for one in hashtags]).reshape(-1, WIDTH))


def questions_of(memory, hours, seed):
    asked = np.random.default_rng(seed).normal(size=(len(hours), WIDTH)).astype(np.float32)
    none = empty().terms_at(np.empty(0, np.int64))
    posts, captions = [Post(post_id=str(number)) for number in range(len(hours))], [""] * len(hours)
    instants, names = np.array(hours, np.int64) * HOUR_US, HashtagNames(memory.id_map)
    return Questions(posts, instants, captions, none, none, {"image": asked}, memory, names, [])


def scores(memory, hours, seed=0, head=HEAD):
    """(questions, hashtags) by text, as `HashtagTexts` gives them, with the ranks that belong to them."""
    questions = questions_of(memory, hours, seed)
    numbers = sorted((questions.names.number_of(text), text) for text in WORDS)
    count = len(numbers)
    rows = np.repeat(np.arange(len(hours)), count)
    hashtags = np.tile([number for number, _ in numbers], len(hours))
    candidates = Candidates(rows, hashtags, np.ones((len(rows), 1), np.bool_))
    found = HashtagTexts("image", VECTORS, head, LAST).describe(questions, candidates, {})
    by_text = [text for _, text in numbers]
    scores, ranks = found.T.reshape(2, len(hours), count)[:, :, [by_text.index(text) for text in WORDS]]
    above = (scores[:, None, :] > scores[:, :, None]).sum(2)
    assert np.array_equal(ranks, np.where(np.isnan(scores), np.nan, above + 1.0), equal_nan=True)
    return scores


def slow_scores(posts, hours, seed=0):
    """The same in loops over posts in the order in which they came."""
    asked = np.random.default_rng(seed).normal(size=(len(hours), WIDTH)).astype(np.float32)
    unit = [one / np.linalg.norm(one) for one in asked.astype(np.float64)]
    table = np.zeros((len(hours), len(WORDS)))
    for row, (hour, post) in enumerate(zip(hours, unit, strict=True)):
        for column, (text, words) in enumerate(WORDS.items()):
            earlier = [(one.hour, number, one) for number, one in enumerate(posts) if one.hour < hour]
            last = [one for *_, one in sorted(earlier, key=lambda one: one[:2]) if text in one.hashtags][-LAST:]
            if not last:
                continue
            vectors = [one.image / (np.linalg.norm(one.image) or 1) for one in last]
            mean = np.sum(vectors, axis=0, dtype=np.float64)
            mean /= np.linalg.norm(mean) or 1
            table[row, column] = words @ HEAD.words @ post + mean @ HEAD.posts @ post
    return table


hours = st.lists(st.integers(0, 32), min_size=1, max_size=4)


@given(streams, hours)
def test_it_says_what_a_slow_loop_says(posts, asked):
    assert np.allclose(scores(append(empty(), posts), asked), slow_scores(posts, asked), atol=1e-3)


@given(streams, hours, st.integers(0, 32))
def test_posts_of_the_same_instant_and_later_ones_change_no_bit(posts, asked, until):
    earlier = [post for post in posts if post.hour < until]
    later = [post for post in posts if post.hour >= until]
    moments = [min(hour, until) for hour in asked]
    known = append(empty(), earlier)
    before = scores(known, moments)
    assert before.tobytes() == scores(append(known, later), moments).tobytes()
    assert before.tobytes() == scores(append(append(empty(), later), earlier), moments).tobytes()


@given(streams, hours)
def test_a_question_alone_and_among_others(posts, asked):
    memory = append(empty(), posts)
    together = scores(memory, asked)
    questions = questions_of(memory, asked, 0).vectors["image"]
    for row, hour in enumerate(asked):
        # The first of the drawn vectors is that of the only question, so each question is asked as the last of some.
        alone = scores(memory, asked[: row + 1])[row]
        assert alone.tobytes() == together[row].tobytes(), (hour, questions[row])


@given(streams, hours, st.data())
def test_withdrawn_posts_and_forgotten_users_leave_nothing(posts, asked, data):
    memory = append(empty(), posts)
    gone = [post for post in posts if data.draw(st.booleans(), label="withdrawn")]
    memory.withdraw([post.post.post_id for post in gone])
    memory.forget("ann")
    left = [post for post in posts if post not in gone and post.user != "ann"]
    assert scores(memory, asked).tobytes() == scores(append(empty(), left), asked).tobytes()


def test_a_post_without_a_vector_and_a_head_that_is_not_fitted_say_nothing(monkeypatch):
    memory = empty()
    assert np.isnan(scores(memory, [3], head=None)).all()
    silent = questions_of(memory, [3], 0)
    silent.vectors["image"][:] = 0
    candidates = Candidates(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones((1, 1), np.bool_))
    assert np.isnan(HashtagTexts("image", VECTORS, HEAD, LAST).describe(silent, candidates, {})).all()


def test_the_last_posts_of_candidates_are_looked_for_once(monkeypatch):
    memory, asked = empty(), []
    questions = questions_of(memory, [3], 0)
    candidates = Candidates(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones((1, 1), np.bool_))
    find = type(memory.questions).newest_with
    monkeypatch.setattr(
        type(memory.questions), "newest_with", lambda *given, **last: asked.append(last) or find(*given, **last)
    )
    assert questions.newest(candidates, 3) is questions.newest(candidates, 3)
    questions.newest(candidates, 2)
    questions.newest(Candidates(candidates.rows, candidates.hashtags, candidates.proposed), 3)
    assert asked == [{"last": 3}, {"last": 2}, {"last": 3}]


@pytest.mark.parametrize("count", [1, 5])
def test_scores_of_a_head_by_hand(count):
    head = TextHead(np.eye(2, dtype=np.float32) * 3, np.array([[0, 1], [0, 0]], np.float32))
    posts = np.tile(np.array([[0.6, 0.8]], np.float32), (count, 1))
    words, means = np.array([[1, 0]], np.float32), np.array([[1, 0]], np.float32)
    # 3 · 0.6 of the words, 0.8 of the posts.
    rows = np.arange(count)
    assert head.scores(posts, rows, words.repeat(count, 0), means.repeat(count, 0)).tolist() == [2.6] * count
