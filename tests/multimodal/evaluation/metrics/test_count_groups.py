"""Means over kinds of posts against means over the posts themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.evaluation.metrics.count_groups import count_kinds
from multimodal.evaluation.metrics.exact_sums import ExactMean, mean_of, weighted_mean_of
from multimodal.evaluation.metrics.outcomes import PER_POST_COLUMNS, Outcomes
from multimodal.evaluation.metrics.set_means import set_means

KS = np.array([1, 2, 4, 7])


def drawn(posts, places, seed):
    draw = np.random.default_rng(seed)
    hits = draw.random((posts, places)) < 0.3
    known = hits & (draw.random(hits.shape) < 0.7)
    count = hits.sum(1) + draw.integers(0, 9, posts) + ~hits.any(1)
    known_count = known.sum(1) + draw.integers(0, 2, posts)
    return Outcomes(hits, known, hits & ~known, count, known_count, (hits & ~known).sum(1), np.full(posts, places))


def test_kinds_are_counted_as_a_loop_counts_them():
    outcomes = drawn(50, 5, seed=1)
    kinds = count_kinds(outcomes.hits, outcomes.true_count, KS)
    for row, (found, true) in enumerate(zip(kinds.found[:, 0], kinds.true_count, strict=True)):
        for column, k in enumerate(KS):
            alike = (outcomes.hits[:, :k].sum(1) == found) & (outcomes.true_count == true)
            assert kinds.posts[row, column] == alike.sum()
    assert (kinds.posts.sum(0) == 50).all()


@given(st.integers(1, 60), st.integers(0, 6), st.integers(0, 10_000))
def test_means_are_those_over_posts_to_the_last_bit(posts, places, seed):
    outcomes = drawn(posts, places, seed)
    means = set_means(outcomes, KS)
    assert set(means) == set(PER_POST_COLUMNS) - {"ndcg", "map"}
    for name, mean in means.items():
        expected = mean_of(np.asarray(outcomes.column(name, KS)))
        np.testing.assert_array_equal(mean.value, expected.value)
        np.testing.assert_array_equal(mean.rows, expected.rows)


def test_weights_stand_for_repeated_rows():
    values = np.array([[0.1, np.nan], [1 / 3, 2.0], [-0.7, 0.3]])
    weights = np.array([[3, 2], [0, 1], [5, 70_000]])
    mean = weighted_mean_of(values, weights)
    for column in range(2):
        repeated = ExactMean()
        for value, times in zip(values[:, column], weights[:, column], strict=True):
            repeated.add(np.full((int(times), 1), value))
        assert mean.value[column] == repeated.value[0]
    assert mean.rows.tolist() == [8, 70_001]


@pytest.mark.parametrize("largest", [1, 1_000_000])
def test_a_post_may_have_very_many_true_hashtags(largest):
    kinds = count_kinds(np.ones((2, 1), np.bool_), np.array([1, largest]), np.array([1]))
    assert kinds.posts.sum() == 2
