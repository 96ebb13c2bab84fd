"""Means of NDCG and average precision from counts against means over the posts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.evaluation.metrics.ranked import average_precision, ndcg
from multimodal.evaluation.metrics.ranked_means import count_hits_by_rank, mean_average_precision, mean_ndcg

KS = np.array([1, 2, 4, 9])


def drawn(posts, places, seed):
    draw = np.random.default_rng(seed)
    hits = draw.random((posts, places)) < 0.3
    return hits, np.maximum(hits.sum(1) + draw.integers(0, 9, posts), 1)


@given(st.integers(1, 60), st.integers(0, 12), st.integers(0, 10_000))
def test_means_are_those_over_posts(posts, places, seed):
    hits, true_count = drawn(posts, places, seed)
    counts = count_hits_by_rank(hits, true_count)
    np.testing.assert_allclose(mean_ndcg(counts, KS), ndcg(hits, true_count, KS).mean(0), rtol=1e-13)
    for norm in ("capped", "relevant"):
        expected = average_precision(hits, true_count, KS, norm).mean(0)
        np.testing.assert_allclose(mean_average_precision(counts, KS, norm), expected, rtol=1e-13)


def test_neither_order_nor_other_cut_offs_change_a_bit():
    hits, true_count = drawn(20_000, 9, seed=1)
    order = np.random.default_rng(2).permutation(len(hits))
    one, other = count_hits_by_rank(hits, true_count), count_hits_by_rank(hits[order], true_count[order])
    for mean in (mean_ndcg, mean_average_precision):
        np.testing.assert_array_equal(mean(one, KS), mean(other, KS))
        np.testing.assert_array_equal(mean(one, KS)[2:3], mean(other, KS[2:3]))


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
