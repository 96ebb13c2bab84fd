"""What every question to a memory promises: strictly earlier than t, and nothing else counts."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from asked_streams import (
    HOUR_US,
    LIKENESSES,
    Asked,
    K,
    Made,
    answers,
    append,
    empty,
    is_exact,
    made,
    slow_answers,
    streams,
    tiny,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from data_loaders.posts import Post
from multimodal.memory.memory_files import read_memory, write_memory
from multimodal.memory.questions import runs
from multimodal.memory.search.index import NeighbourIndex

KINDS = ("flat", "ivf", "hnsw")
kinds = pytest.mark.parametrize("kind", KINDS)
questions = st.builds(Asked, st.lists(st.integers(0, 32), min_size=4, max_size=4).map(tuple), st.integers(0, 3))


@pytest.fixture(autouse=True)
def _many_runs(monkeypatch):
    """Let a few entries make many runs."""
    monkeypatch.setattr(runs, "_SMALL", 2)


def in_time(posts):
    """Return posts in order of time."""
    return sorted(posts, key=lambda post: post.hour)


def in_batches(data, memory, posts, asked=None):
    """Append posts in batches, with questions between them, so that what is derived follows step by step."""
    while posts:
        size = data.draw(st.integers(1, len(posts)), label="batch")
        append(memory, posts[:size])
        posts = posts[size:]
        if asked is not None and data.draw(st.booleans(), label="asked between"):
            answers(memory, asked)
    return memory


def close(found, expected):
    """Compare two answers to one question, numbers up to the last digits."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for left, right in zip(*(side if isinstance(side, tuple) else (side,) for side in (one, other)), strict=True):
            assert left == (right if isinstance(right, str) else pytest.approx(right, rel=1e-6, abs=1e-9))


@settings(max_examples=60, deadline=None)
@given(streams, questions, st.data())
def test_every_question_is_answered_as_by_a_slow_loop(posts, asked, data):
    memory = in_batches(data, empty(), posts, asked)
    found, expected = answers(memory, asked), slow_answers(posts, asked)
    for name, rows in expected.items():
        for row, wanted in zip(found[name], rows, strict=True):
            close(row, wanted)
    for language in ("", " de"):
        values = (dict(zip("abcde", row, strict=True)) for row in found[f"trend_values{language}"])
        for top, known in zip(found[f"trends{language}"], values, strict=True):
            assert top == sorted(top, key=lambda pair: (-pair[1], pair[0]))
            assert all(known.get(tag, value) == value for tag, value in top)
            least = min((value for _, value in top), default=0) if len(top) == K else 0
            assert all(value <= least for tag, value in known.items() if tag not in dict(top))


@kinds
@settings(max_examples=25, deadline=None)
@given(streams, st.integers(0, 32), st.integers(0, 3), st.data())
def test_later_posts_change_no_bit(kind, posts, hour, seed, data):
    earlier = in_time(post for post in posts if post.hour < hour)
    asked = Asked((hour, max(hour - 3, 0), 0), seed)
    memory = append(empty(tiny(kind)), earlier)
    before = answers(memory, asked)
    in_batches(data, memory, in_time(post for post in posts if post.hour >= hour), asked)
    assert answers(memory, asked) == before
    memory.index.seal()
    assert answers(memory, asked) == before


@kinds
@settings(max_examples=25, deadline=None)
@given(streams, st.integers(0, 32), st.data())
def test_later_posts_in_any_order_change_no_bit_while_the_version_stays(kind, posts, hour, data):
    asked, memory = Asked((hour,)), empty(tiny(kind))
    append(memory, [post for post in posts if post.hour < hour])
    before, version = answers(memory, asked), memory.index.version
    in_batches(data, memory, [post for post in posts if post.hour >= hour], asked)
    after = answers(memory, asked)
    for name in before:
        assert after[name] == before[name] or (not is_exact(name) and memory.index.version > version)


@kinds
@settings(max_examples=15, deadline=None)
@given(streams, questions)
def test_a_batch_is_its_questions_one_by_one(kind, posts, asked):
    memory = append(empty(tiny(kind)), posts)
    batch = answers(memory, asked)
    for row in range(len(asked.hours)):
        alone = answers(append(empty(tiny(kind)), posts), asked.one(row))
        assert alone == {name: [rows[row]] for name, rows in batch.items()}


@kinds
@settings(max_examples=15, deadline=None)
@given(streams, streams, questions)
def test_a_fork_answers_as_its_memory_and_each_grows_by_itself(kind, posts, more, asked):
    memory = append(empty(tiny(kind)), posts)
    theirs = [made(100 + number, (one.hour, one.user, one.hashtags, one.language, one.seed)) for number, one in
              enumerate(more)]  # fmt: skip
    with memory.fork() as fork:
        before = answers(fork, asked)
        assert before == answers(memory, asked)
        grown = answers(append(fork, theirs), asked)
        assert answers(memory, asked) == before
        append(memory, [Made(200, 1, "ann", ("a", "new"), "de", 3)])
        assert answers(fork, asked) == grown
    whole = append(append(empty(tiny(kind)), posts), theirs)
    assert grown == answers(whole, asked)


@kinds
@settings(max_examples=10, deadline=None)
@given(posts=streams, asked=questions)
def test_a_saved_and_loaded_memory_answers_as_before(kind, posts, asked, tmp_path_factory):
    memory, folder = append(empty(tiny(kind)), posts), tmp_path_factory.mktemp("memory")
    memory.index.reindex()
    before = answers(memory, asked)
    write_memory(folder, memory)
    again = read_memory(folder, empty())
    again.search_with(NeighbourIndex(again, tiny(kind), reindexed=memory.index.reindexed))
    assert answers(again, asked) == before


changes = st.lists(
    st.one_of(
        st.tuples(st.just("withdraw"), st.integers(0, 44)),
        st.tuples(st.just("correct"), st.integers(0, 44)),
        st.tuples(st.just("forget"), st.sampled_from(["ann", "bob"])),
    ),
    max_size=8,
)


def change(memory, kind, what):
    if kind == "forget":
        memory.forget(what)
    elif f"p{what}" in memory and kind == "withdraw":
        memory.withdraw([f"p{what}"])
    elif f"p{what}" in memory:
        other = Made(0, 0, None, (), "de", what)
        words, image = sparse.csr_matrix(other.words[None]), {"image": other.image[None]}
        memory.correct(Post(post_id=f"p{what}", hashtags=("e", "new")), None, words, image, ["de"])


@settings(max_examples=60, deadline=None)
@given(streams, changes, streams, questions, st.booleans())
def test_what_was_withdrawn_corrected_or_forgotten_leaves_no_trace(posts, steps, more, asked, between):
    memory = append(empty(), posts)
    for step in steps:
        if between:
            answers(memory, asked)
        change(memory, *step)
    later = [made(100 + one.number, (one.hour, one.user, one.hashtags, one.language, one.seed)) for one in more]
    append(memory, later)
    assert answers(memory, asked) == answers(memory.living(), asked)


@kinds
@settings(max_examples=25, deadline=None)
@given(streams, changes, questions)
def test_indices_never_find_what_is_dead(kind, posts, steps, asked):
    memory = append(empty(tiny(kind)), posts)
    answers(memory, asked)
    for step in steps:
        change(memory, *step)
    found, right = answers(memory, asked), answers(memory.living(), asked)
    living = {*memory.living().post_ids}
    for name, rows in found.items():
        if is_exact(name):
            assert rows == right[name]
        else:
            assert {post_id for row in rows for post_id, _ in row} <= living


class TestAsManyAsAreAsked:
    """k asked, k got, where a filter leaves .1 %, 1 % or 50 % of 3,000 posts."""

    COUNT, ASKED = 3_000, 8

    def memory(self, kind, chosen, user=("ann", "bob"), language=("de", "en")):
        draw = np.random.default_rng(1)
        posts = [
            Made(number, number, user[not inside], ("a",), language[not inside], int(draw.integers(40)))
            for number, inside in enumerate(chosen.tolist())
        ]
        return append(empty(tiny(kind, slice_posts=32)), posts)

    def found(self, memory, hour, **filters):
        """Return which posts are found by each likeness, and how many have a positive likeness."""
        asked = [Made(-1, hour, None, (), None, seed) for seed in range(3)]
        words = sparse.csr_matrix(np.array([one.words for one in asked]))
        vectors, instants = {"image": np.array([one.image for one in asked])}, np.full(3, hour * HOUR_US)
        for likeness in LIKENESSES.values():
            content = words, vectors, instants, self.ASKED, likeness
            if "user_ids" in filters:
                yield memory.own_neighbours(filters["user_ids"], *content, last=self.COUNT).positions, likeness
            else:
                yield memory.neighbours(*content, **filters).positions, likeness

    def check(self, memory, admitted, hour=10_000, **filters):
        for positions, likeness in self.found(memory, hour, **filters):
            known = positions[positions >= 0]
            assert admitted[known].all()
            wanted = self.positive(memory, likeness, admitted)
            assert ((positions >= 0).sum(1) == np.minimum(wanted, self.ASKED)).all()

    def positive(self, memory, likeness, admitted):
        """Return how many admitted posts have a positive likeness to each question."""
        asked = [Made(-1, 0, None, (), None, seed) for seed in range(3)]
        at = np.flatnonzero(admitted)
        total = np.zeros((3, len(at)))
        for space, weight in likeness.weights.items():
            rows = memory.terms_at(at).toarray() if space == "words" else memory.vectors_at(space, at)
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            ours = np.array([getattr(one, space) for one in asked])
            ours = ours / np.maximum(np.linalg.norm(ours, axis=1, keepdims=True), 1e-12)
            total += weight * np.maximum(ours @ rows.T, 0)
        return (np.round(total, 5) > 0).sum(1)

    @pytest.fixture(params=[0.001, 0.01, 0.5])
    def chosen(self, request):
        return np.random.default_rng(5).random(self.COUNT) < request.param

    @pytest.fixture(autouse=True)
    def _as_if_many(self, monkeypatch):
        """As if a memory had far more posts than are scanned for their rarity."""
        monkeypatch.setattr("multimodal.memory.search.search_run._SCANNED_POSTS", 3)

    @kinds
    def test_of_a_language(self, kind, chosen):
        self.check(self.memory(kind, chosen), chosen, language="de")

    @kinds
    def test_of_the_user(self, kind, chosen):
        self.check(self.memory(kind, chosen), chosen, user_ids=["ann"] * 3)

    @kinds
    def test_where_most_users_are_forgotten(self, kind, chosen):
        memory = self.memory(kind, chosen)
        memory.forget("bob")
        self.check(memory, chosen)

    @kinds
    def test_earlier_than_an_instant(self, kind, chosen):
        earlier = np.arange(self.COUNT) < chosen.sum()
        self.check(self.memory(kind, earlier), earlier, hour=int(chosen.sum()))

    def test_hashtags_of_a_language_and_of_a_user(self, chosen):
        memory = self.memory("flat", chosen)
        now = np.array([memory.now_us])
        top = memory.questions.trends(now, timedelta(days=300_000), language="de", count=1)
        assert top.values[0, 0] == pytest.approx(chosen.sum(), rel=1e-3)
        own = memory.questions.own_hashtags(["ann"], now, last=self.COUNT)
        assert own.column("count").tolist() == [chosen.sum()]
