"""Means over groups of posts, and from counts by rank, against means over the posts themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.evaluation.metrics.accuracy import average_precision, ndcg, reciprocal_rank
from multimodal.evaluation.metrics.catalogue import METRICS, RankMetric
from multimodal.evaluation.metrics.exact_means import (
    ExactMean,
    count_groups,
    count_hits_by_rank,
    mean_average_precision,
    mean_ndcg,
    mean_of,
    mean_reciprocal_rank,
    weighted_mean_of,
)
from multimodal.evaluation.metrics.outcomes import Outcomes, count_means, rank_means

KS = np.array([1, 2, 4, 7])


def drawn(posts, places, seed):
    draw = np.random.default_rng(seed)
    hits = draw.random((posts, places)) < 0.3
    known = hits & (draw.random(hits.shape) < 0.7)
    count = hits.sum(1) + draw.integers(0, 9, posts) + ~hits.any(1)
    known_count = known.sum(1) + draw.integers(0, 2, posts)
    return Outcomes(hits, known, hits & ~known, count, known_count, (hits & ~known).sum(1), np.full(posts, places), KS)


def test_groups_are_counted_as_a_loop_counts_them():
    outcomes = drawn(50, 5, seed=1)
    groups = count_groups(outcomes.hits, outcomes.true_count, KS)
    for row, (found, true) in enumerate(zip(groups.found[:, 0], groups.true_count, strict=True)):
        for column, k in enumerate(KS):
            alike = (outcomes.hits[:, :k].sum(1) == found) & (outcomes.true_count == true)
            assert groups.posts[row, column] == alike.sum()
    assert (groups.posts.sum(0) == 50).all()


@given(st.integers(1, 60), st.integers(0, 6), st.integers(0, 10_000))
def test_means_are_those_over_posts_to_the_last_bit(posts, places, seed):
    outcomes = drawn(posts, places, seed)
    means = count_means(outcomes)
    assert set(means) == set(METRICS.of_hits) - {"ndcg", "map", "mrr"}
    for name, mean in means.items():
        expected = mean_of(np.asarray(outcomes.column(name)))
        np.testing.assert_array_equal(mean.value, expected.value)
        np.testing.assert_array_equal(mean.rows, expected.rows)


@given(st.integers(1, 60), st.integers(0, 12), st.integers(0, 10_000))
def test_the_mean_reciprocal_rank_is_that_over_posts_to_the_last_bit(posts, places, seed):
    outcomes = drawn(posts, places, seed)
    counts = count_hits_by_rank(outcomes.hits, outcomes.true_count)
    expected = mean_of(reciprocal_rank(outcomes.hits, KS)).value
    np.testing.assert_array_equal(mean_reciprocal_rank(counts, KS), expected)
    means = rank_means(outcomes)
    np.testing.assert_array_equal(means["mrr"], expected)
    assert set(means) == {metric.name for metric in METRICS.of(RankMetric)}


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
def test_a_post_of_a_group_may_have_very_many_true_hashtags(largest):
    groups = count_groups(np.ones((2, 1), np.bool_), np.array([1, largest]), np.array([1]))
    assert groups.posts.sum() == 2


RANKED_KS = np.array([1, 2, 4, 9])


def drawn_hits(posts, places, seed):
    draw = np.random.default_rng(seed)
    hits = draw.random((posts, places)) < 0.3
    return hits, np.maximum(hits.sum(1) + draw.integers(0, 9, posts), 1)


@given(st.integers(1, 60), st.integers(0, 12), st.integers(0, 10_000))
def test_ranked_means_are_those_over_posts(posts, places, seed):
    hits, true_count = drawn_hits(posts, places, seed)
    counts = count_hits_by_rank(hits, true_count)
    np.testing.assert_allclose(mean_ndcg(counts, RANKED_KS), ndcg(hits, true_count, RANKED_KS).mean(0), rtol=1e-13)
    for norm in ("capped", "relevant"):
        expected = average_precision(hits, true_count, RANKED_KS, norm).mean(0)
        np.testing.assert_allclose(mean_average_precision(counts, RANKED_KS, norm), expected, rtol=1e-13)


def test_neither_order_nor_other_cut_offs_change_a_bit():
    hits, true_count = drawn_hits(20_000, 9, seed=1)
    order = np.random.default_rng(2).permutation(len(hits))
    one, other = count_hits_by_rank(hits, true_count), count_hits_by_rank(hits[order], true_count[order])
    for mean in (mean_ndcg, mean_average_precision):
        np.testing.assert_array_equal(mean(one, RANKED_KS), mean(other, RANKED_KS))
        np.testing.assert_array_equal(mean(one, RANKED_KS)[2:3], mean(other, RANKED_KS[2:3]))


def test_hits_are_counted_by_rank_and_number_of_true_hashtags():
    hits = np.array([[True, False, True], [True, True, False], [False, False, True]])
    counts = count_hits_by_rank(hits, np.array([2, 5, 2]))
    assert counts.true_count.tolist() == [2, 5]
    assert counts.hits.tolist() == [[1, 1], [0, 1], [2, 0]]
    assert counts.found.tolist() == [[1, 1], [0, 2], [2 + 1, 0]]


@pytest.mark.parametrize("largest", [1, 1_000_000])
def test_a_post_may_have_very_many_true_hashtags(largest):
    counts = count_hits_by_rank(np.ones((2, 1), np.bool_), np.array([1, largest]))
    assert mean_average_precision(counts, np.array([1]), "relevant")[0] == pytest.approx((1 + 1 / largest) / 2)
