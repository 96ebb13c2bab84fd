"""Postings against a slow loop: any order of instants, dead posts, forks, a question alone and among others."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.memory.questions import postings as module
from multimodal.memory.questions.postings import Postings

# (instant, keys) of each post, and in batches of which sizes they are added.
posts = st.lists(st.tuples(st.integers(-4, 12), st.sets(st.integers(0, 4))), max_size=60)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=60)
asked = st.lists(st.tuples(st.integers(0, 5), st.integers(-6, 14)), min_size=1, max_size=12)


def fill(postings, rows, sizes, first=0):
    """Add the rows from a position on, in batches; in all `rows` give the instants by position."""
    instants = np.array([instant for instant, _ in rows], np.int64)
    sizes = iter(sizes)
    while first < len(rows):
        stop = min(first + next(sizes, len(rows)), len(rows))
        entries = [(key, position) for position in range(first, stop) for key in sorted(rows[position][1])]
        keys, positions = np.array(entries, np.int64).reshape(-1, 2).T
        postings.add(keys, positions, instants)
        first = stop
    return instants


def slow_last(rows, key, moment, count, alive=None):
    earlier = [(instant, position) for position, (instant, keys) in enumerate(rows) if key in keys and instant < moment]
    earlier = [pair for pair in earlier if alive is None or alive[pair[1]]]
    return [position for _, position in sorted(earlier, reverse=True)][:count]


def lists(found, count):
    return [found.positions[found.rows == row].tolist() for row in range(count)]


def ask(postings, asked, count, instants, alive=None):
    keys, moments = np.array(asked, np.int64).T
    return lists(postings.last(keys, moments, count, instants, alive), len(asked))


def small_runs(monkeypatch):
    """Let a few entries make many runs."""
    monkeypatch.setattr("multimodal.memory.questions.runs._SMALL", 2)


class TestLast:
    @settings(max_examples=200)
    @given(posts, sizes, asked, st.integers(0, 7), st.data())
    def test_as_a_slow_loop_whatever_is_dead(self, rows, sizes, asked, count, data):
        alive = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
        postings = Postings()
        instants = fill(postings, rows, sizes)
        assert ask(postings, asked, count, instants) == [slow_last(rows, *one, count) for one in asked]
        expected = [slow_last(rows, *one, count, alive) for one in asked]
        assert ask(postings, asked, count, instants, alive) == expected
        assert [ask(postings, [one], count, instants, alive)[0] for one in asked] == expected

    def test_many_runs_and_late_posts(self, monkeypatch):
        small_runs(monkeypatch)
        random = np.random.default_rng(5)
        rows = [(int(i if i % 9 else i - random.integers(300)), {int(random.integers(3))}) for i in range(900)]
        postings, positions = Postings(), []
        instants = fill(postings, rows, [1] * 900)
        assert len(postings._runs) > 2
        assert len(postings._late) > 0
        asked = [(int(random.integers(3)), int(random.integers(1000))) for _ in range(60)]
        alive = random.random(900) < 0.2
        for mask in (None, alive):
            positions = [slow_last(rows, *one, 20, mask) for one in asked]
            assert ask(postings, asked, 20, instants, mask) == positions
        assert len(postings) == 900

    def test_runs_stay_few(self, monkeypatch):
        small_runs(monkeypatch)
        postings = Postings()
        fill(postings, [(i, {0}) for i in range(3_000)], [1] * 3_000)
        assert len(postings._runs) <= 8


class TestCountAndBetween:
    @given(posts, sizes, asked)
    def test_as_a_slow_loop(self, rows, sizes, asked):
        postings = Postings()
        instants = fill(postings, rows, sizes)
        keys, moments = np.array(asked, np.int64).T
        slow = [slow_last(rows, *one, len(rows)) for one in asked]
        assert postings.count(keys, moments, instants).tolist() == [len(row) for row in slow]
        for (key, moment), row in zip(asked, slow, strict=True):
            expected = [position for position in reversed(row) if rows[position][0] >= moment - 4]
            assert postings.between(key, moment - 4, moment, instants).tolist() == expected


class TestFork:
    @given(posts, posts, posts, sizes, asked)
    def test_what_is_added_to_either_is_unseen_by_the_other(self, shared, ours, theirs, sizes, asked):
        postings = Postings()
        fill(postings, shared, sizes)
        fork = postings.fork()
        instants = fill(postings, shared + ours, sizes, len(shared))
        others = fill(fork, shared + theirs, sizes, len(shared))
        assert ask(postings, asked, 5, instants) == [slow_last(shared + ours, *one, 5) for one in asked]
        assert ask(fork, asked, 5, others) == [slow_last(shared + theirs, *one, 5) for one in asked]


def test_many_late_posts_are_sorted_in_with_the_others():
    postings = Postings()
    fill(postings, [(10, {0})] * 20 + [(5, {0})] * 10, [20, 10])
    assert (len(postings._runs), postings._late) == (1, ())
    assert module._LATE_SHARE * 10 > 20
