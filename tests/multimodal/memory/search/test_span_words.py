"""Earlier posts with a similar caption, against dense loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_streams import Posts
from scipy import sparse

from data_loaders.posts import NOW_US, UNDATED_EPOCH_US
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.paired_words import word_similarity

WIDTH = 4
rows = st.lists(st.integers(0, 3), min_size=WIDTH, max_size=WIDTH)
posts = st.lists(st.tuples(rows, st.integers(0, 4)), max_size=9)


def unit(values):
    """Sparse rows of length 1; empty rows stay empty."""
    dense = np.array(values, np.float32).reshape(len(values), WIDTH)
    norms = np.linalg.norm(dense, axis=1, keepdims=True)
    return sparse.csr_matrix(dense / np.where(norms > 0, norms, 1))


def whole(values):
    """Sparse rows of whole numbers, whose products are exact in whatever order they are summed."""
    return sparse.csr_matrix(np.array(values, np.float32).reshape(len(values), WIDTH))


def instants(times):
    return np.array(times, np.int64)


def find_neighbours(queries, asked_at, remembered, times, count, decay=0.0):
    return NeighbourIndex(Posts(remembered, {}, times)).find(queries, {}, asked_at, count, Likeness(decay=decay))


def slow_neighbours(query, asked_at, remembered, times, count):
    """Every post strictly before, by falling similarity, the later and then the newer position first."""
    found = []
    for position, (vector, time) in enumerate(zip(remembered, times, strict=True)):
        similarity = np.round(query.astype(np.float64) @ vector.astype(np.float64), 5)
        if time < asked_at and similarity > 0:
            found.append((-similarity, -time, -position))
    return [(-position, -similarity) for similarity, _, position in sorted(found)[:count]]


class TestNeighbours:
    @given(posts, posts, st.integers(0, 4))
    @settings(max_examples=150, deadline=None)
    def test_equal_a_dense_loop(self, asked, known, count):
        queries, remembered = whole([row for row, _ in asked]), whole([row for row, _ in known])
        times = [time for _, time in known]
        found = find_neighbours(queries, instants([time for _, time in asked]), remembered, instants(times), count)
        assert found.positions.shape == found.similarity.shape == (len(asked), count)
        for row, (_, asked_at) in enumerate(asked):
            expected = slow_neighbours(queries[row].toarray()[0], asked_at, remembered.toarray(), times, count)
            padding = count - len(expected)
            assert found.positions[row].tolist() == [position for position, _ in expected] + [-1] * padding
            assert found.similarity[row].tolist() == pytest.approx([value for _, value in expected] + [0.0] * padding)

    @given(posts.filter(len), posts, st.integers(0, 3))
    @settings(max_examples=60, deadline=None)
    def test_later_posts_and_other_questions_change_nothing(self, asked, known, asked_at):
        query = unit([asked[0][0]])
        before = [post for post in known if post[1] < asked_at]
        later = [post for post in known if post[1] >= asked_at]
        answers = []
        for stream in (before, before + later):
            vectors, times = unit([row for row, _ in stream]), instants([time for _, time in stream])
            answers.append(find_neighbours(query, instants([asked_at]), vectors, times, 3))
            others = unit([asked[0][0], *(row for row, _ in asked)])
            when = instants([asked_at, *(time for _, time in asked)])
            answers.append(find_neighbours(others, when, vectors, times, 3))
        for answer in answers:
            assert answer.positions[0].tolist() == answers[0].positions[0].tolist()
            assert answer.similarity[0].tolist() == answers[0].similarity[0].tolist()

    def test_ties_are_settled_by_recency(self):
        known = unit([[1, 0, 0, 0]] * 5)
        found = find_neighbours(unit([[1, 0, 0, 0]]), instants([9]), known, instants([3, 8, 8, 1, 9]), 3)
        assert found.positions.tolist() == [[2, 1, 0]]

    def test_decay_prefers_the_recent_among_the_alike(self):
        hour = 3_600_000_000
        known = unit([[1, 0, 0, 0], [3, 4, 0, 0], [0, 0, 1, 0]])
        times, asked_at = instants([0, 62 * hour, 62 * hour]), instants([63 * hour])
        query = unit([[1, 0, 0, 0]])
        assert find_neighbours(query, asked_at, known, times, 3).positions.tolist() == [[0, 1, -1]]
        # .6 · 2^-.2 = .52 against 1 · 64^-.2 = .44; what shares no word is never found.
        found = find_neighbours(query, asked_at, known, times, 3, decay=0.2)
        assert found.positions.tolist() == [[1, 0, -1]]
        assert found.similarity[0].tolist() == pytest.approx([0.6, 1.0, 0.0])
        assert find_neighbours(query, asked_at, known, times, 1, decay=0.1).positions.tolist() == [[0]]

    def test_undated_posts_are_the_oldest(self):
        known = unit([[1, 0, 0, 0]] * 3)
        times = instants([UNDATED_EPOCH_US, UNDATED_EPOCH_US + 1, 1_700_000_000_000_000])
        asked_at = instants([NOW_US])
        found = find_neighbours(unit([[1, 0, 0, 0]]), asked_at, known, times, 3, decay=0.2)
        assert found.positions.tolist() == [[2, 1, 0]]
        assert found.similarity.tolist() == [[1, 1, 1]]

    # Exponents at which no two different products are equal but for rounding, as 5 · 25^-.5 and 7 · 49^-.5 are.
    @given(posts, posts, st.integers(0, 4), st.sampled_from([0.0, 0.1, 0.2, 0.7, 1.3]))
    @settings(max_examples=60, deadline=None)
    def test_decay_equals_a_dense_loop(self, asked, known, count, decay):
        day = 86_400_000_000
        queries, remembered = whole([row for row, _ in asked]), whole([row for row, _ in known])
        times = instants([time * day for _, time in known])
        found = find_neighbours(queries, instants([t * day for _, t in asked]), remembered, times, count, decay)
        for row, (query, asked_at) in enumerate(asked):
            scored = [
                (float(np.dot(query, vector)) * ((asked_at - time) * 24 + 1) ** -decay, time, position)
                for position, (vector, time) in enumerate(known)
                if time < asked_at and np.dot(query, vector) > 0
            ]
            expected = [position for _, _, position in sorted(scored, reverse=True)[:count]]
            assert found.positions[row].tolist() == expected + [-1] * (count - len(expected))

    def test_more_questions_than_a_block_holds(self):
        draw = np.random.default_rng(0)
        asked, known = whole(draw.integers(0, 3, (300, WIDTH))), whole(draw.integers(0, 3, (200, WIDTH)))
        asked_at, times = draw.integers(0, 50, 300), draw.integers(0, 50, 200)
        found = find_neighbours(asked, asked_at, known, times, 4)
        dense = known.toarray()
        for row in range(300):
            expected = [
                position for position, _ in slow_neighbours(asked[row].toarray()[0], asked_at[row], dense, times, 4)
            ]
            assert found.positions[row].tolist() == expected + [-1] * (4 - len(expected))


class TestLikeness:
    @given(st.lists(st.tuples(rows, st.lists(st.integers(-1, 2), min_size=3, max_size=3)), max_size=6))
    @settings(max_examples=80, deadline=None)
    def test_equals_a_dense_loop(self, asked):
        queries = unit([row for row, _ in asked])
        remembered = unit([[1, 2, 0, 0], [0, 0, 0, 0], [0, 3, 1, 1]])
        positions = np.array([places for _, places in asked], np.int64).reshape(len(asked), 3)
        found = word_similarity(queries, remembered, positions)
        dense, known = queries.toarray(), remembered.toarray()
        for row in range(len(asked)):
            expected = [dense[row] @ known[place] if place >= 0 else 0.0 for place in positions[row]]
            assert found[row].tolist() == pytest.approx(expected, abs=1e-5)

    def test_is_the_sum_that_scipy_makes_of_each_row(self):
        draw = np.random.default_rng(0)
        dense = draw.random((400, 40)) * (draw.random((400, 40)) < 0.6)
        dense = (dense / np.linalg.norm(dense, axis=1, keepdims=True)).astype(np.float32)
        rows = sparse.csr_matrix(dense[:300]), sparse.csr_matrix(dense[300:])
        positions = draw.integers(-1, 100, (300, 60))
        asked, ranks = np.nonzero(positions >= 0)
        products = rows[0][asked].multiply(rows[1][positions[asked, ranks]])
        expected = np.zeros(positions.shape, np.float32)
        expected[asked, ranks] = np.round(np.asarray(products.sum(1)).ravel(), 5)
        assert word_similarity(*rows, positions).tolist() == expected.tolist()

    def test_is_rounded_like_the_neighbours(self):
        vectors = unit([[1, 2, 3, 0], [3, 1, 1, 2]])
        near = find_neighbours(vectors[:1], instants([5]), vectors, instants([1, 2]), 2)
        assert word_similarity(vectors[:1], vectors, near.positions).tolist() == near.similarity.tolist()

    def test_nobody_remembers_anything(self):
        assert word_similarity(unit([[1, 0, 0, 0]]), unit([]), np.empty((1, 0), np.int64)).shape == (1, 0)
        assert word_similarity(unit([[1, 0, 0, 0]]), unit([]), np.full((1, 2), -1)).tolist() == [[0, 0]]
