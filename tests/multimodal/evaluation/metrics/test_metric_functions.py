"""Each metric by hand, and the parts of the sweep that the slow loop does not reach."""

import math
import random

import numpy as np
import pytest
from evaluation_reference import make_rankings
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from multimodal.evaluation.metrics.accuracy import (
    average_precision,
    f1_of_means,
    f1_per_post,
    hit_rate,
    hits_at,
    ndcg,
    precision,
    recall,
    recall_capped,
    reciprocal_rank,
)
from multimodal.evaluation.metrics.beyond_accuracy import (
    as_similarity,
    catalogue_coverage,
    cooccurrence_similarity,
    information,
    novelty,
    redundancy,
)
from multimodal.evaluation.metrics.exact_means import ExactMean
from multimodal.evaluation.metrics.label_wise import counts_per_hashtag, f1_macro_label, f1_micro
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.metrics.truth import Truth, check_post_ids, hashtag_facts, hit_matrix

# Ten true hashtags; hits at ranks 1 and 3 of five.
HITS = np.array([[True, False, True, False, False]])
TRUE = np.array([10])
KS = np.array([1, 3, 5, 8])


def test_metrics_of_the_set():
    found = hits_at(HITS, KS)
    assert found.tolist() == [[1, 2, 2, 2]]
    assert hit_rate(found).tolist() == [[1, 1, 1, 1]]
    assert precision(found, KS)[0] == pytest.approx([1, 2 / 3, 2 / 5, 2 / 8])
    assert recall(found, TRUE)[0] == pytest.approx([0.1, 0.2, 0.2, 0.2])
    assert f1_per_post(found, TRUE, KS)[0] == pytest.approx([2 / 11, 4 / 13, 4 / 15, 4 / 18])
    assert recall_capped(found, TRUE, KS)[0] == pytest.approx([1, 2 / 3, 2 / 5, 2 / 8])


def test_metrics_of_the_order():
    ideal = [sum(1 / math.log2(rank + 1) for rank in range(1, k + 1)) for k in KS]
    assert ndcg(HITS, TRUE, KS)[0] == pytest.approx([1 / ideal[0], 1.5 / ideal[1], 1.5 / ideal[2], 1.5 / ideal[3]])
    assert average_precision(HITS, TRUE, KS)[0] == pytest.approx([1, (5 / 3) / 3, (5 / 3) / 5, (5 / 3) / 8])
    assert average_precision(HITS, TRUE, KS, "relevant")[0] == pytest.approx([0.1, 1 / 6, 1 / 6, 1 / 6])
    late = np.array([[False, False, True]])
    assert reciprocal_rank(late, np.array([1, 2, 3, 4]))[0] == pytest.approx([0, 0, 1 / 3, 1 / 3])


def test_the_best_list_scores_one_where_one_is_within_reach():
    hits, true = np.array([[True, True, False, False]]), np.array([2])
    ks = np.array([1, 2, 4])
    assert ndcg(hits, true, ks)[0] == pytest.approx([1, 1, 1])
    assert average_precision(hits, true, ks)[0] == pytest.approx([1, 1, 1])
    assert recall_capped(hits_at(hits, ks), true, ks)[0] == pytest.approx([1, 1, 1])


def test_f1_of_means_without_any_hit_is_zero():
    assert f1_of_means(np.array([0.0, 0.34]), np.array([0.0, 0.334])) == pytest.approx([0, 0.337], abs=1e-4)


def test_published_table_fits_the_f1_of_means():
    # Precision, recall and F1 of the four rows of the paper's Table 1.
    p, r = np.array([0.277, 0.313, 0.321, 0.340]), np.array([0.258, 0.282, 0.294, 0.334])
    assert f1_of_means(p, r) == pytest.approx([0.267, 0.296, 0.307, 0.337], abs=1e-3)


def test_label_wise_by_hand():
    # Post 0 names a, b of true a; post 1 names a, - of true b; hashtag c is true of nothing and named by nobody.
    places = np.array([[0, 0], [1, -1]], np.int32)
    hits = np.array([[True, False], [False, False]])
    support = np.array([1, 1, 0])
    named, right = list(counts_per_hashtag(places, hits, np.array([1, 2]), 3))[-1]
    assert (named.tolist(), right.tolist()) == ([2, 1, 0], [1, 0, 0])
    assert f1_micro(named, right, support) == pytest.approx(2 * 1 / (3 + 2))
    assert f1_macro_label(named, right, support) == pytest.approx((2 / 3 + 0) / 2)
    assert catalogue_coverage(named, np.array([True, False, True]), 2) == 0.5


def test_novelty_and_redundancy_by_hand():
    bits = information(np.array([8, 2, 0]), total=16)
    assert bits.tolist() == [1, 3, 4]
    places, length = np.array([[0, 2, 1], [1, -1, -1], [-1, -1, -1]], np.int32), np.array([3, 1, 0])
    values = novelty(places, length, bits, np.array([1, 2, 3]))
    np.testing.assert_allclose(values, [[1, 2.5, 8 / 3], [3, 3, 3], [np.nan] * 3])
    alike = as_similarity(np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]]), 3)
    numbers = np.where(places < 0, 3, places)
    values = redundancy(numbers, length, alike, np.array([1, 2, 3, 9]))
    np.testing.assert_allclose(values[0], [np.nan, 0.25, 0.25, 0.25])
    assert np.isnan(values[1:]).all()


def test_similarity_counts_the_posts_two_hashtags_share():
    posts = [["a", "b"], ["a", "b", "rare"], ["a"], ["b", "b"], ["a"], []]
    matrix = cooccurrence_similarity(posts, ["a", "b", "never"]).toarray()
    np.testing.assert_allclose(matrix, [[1, 2 / math.sqrt(4 * 3), 0], [2 / math.sqrt(4 * 3), 1, 0], [0, 0, 0]])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_similarity_as_function_sparse_or_dense_is_the_same(size, seed):
    from scipy import sparse

    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((size, size)) < 0.5, rng.random((size, size)), 0).astype(np.float32)
    first, second = rng.integers(0, size + 1, (2, 4, 5)).astype(np.int32)
    padded = np.zeros((size + 1, size + 1))
    padded[:-1, :-1] = dense
    for form in (dense, sparse.csr_array(dense), lambda a, b: dense[a, b]):
        np.testing.assert_allclose(as_similarity(form, size)(first, second), padded[first, second])
    from multimodal.evaluation.metrics.beyond_accuracy import _sparse_lookup

    np.testing.assert_allclose(_sparse_lookup(sparse.csr_array(dense))(first, second), padded[first, second])
    with pytest.raises(ValueError, match="similarity of shape"):
        as_similarity(dense, size + 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 12), st.integers(1, 6), st.integers(0, 10_000))
def test_hit_matrix_equals_set_membership(posts, places, seed):
    rng = np.random.default_rng(seed)
    names = [f"tag{number}" for number in range(8)]
    listed = np.full((posts, places), -1, np.int32)
    for row in listed:
        length = rng.integers(0, places + 1)
        row[:length] = rng.permutation(8)[:length]
    true = [[names[tag] for tag in rng.integers(0, 8, rng.integers(0, 9))] for _ in range(posts)]
    rows = rng.permutation(posts)
    hits = hit_matrix(listed[rows].T, Truth.from_hashtags(true, names), rows)
    expected = [[tag >= 0 and names[tag] in true[row] for tag in listed[row]] for row in rows]
    assert hits.T.tolist() == np.array(expected, bool).reshape(posts, places).tolist()


def test_truth_keeps_hashtags_that_no_ranking_names():
    truth = Truth.from_hashtags([["b", "x"], [], ["x", "x", "y"]], ["a", "b"])
    assert truth.names == ["a", "b", "x", "y"]
    assert truth.counts.tolist() == [2, 0, 2]
    assert truth.indices.tolist() == [1, 2, 2, 3]
    assert truth.repeats == 1


def test_facts_tell_rare_from_new():
    vocabulary = type("V", (), {"hashtags": ("a", "b"), "frequencies": (5, 3)})
    facts = hashtag_facts(["rare", "b", "new"], vocabulary, train_hashtags=["a", "b", "rare"])
    assert facts.number.tolist() == [2, 1, 2, 2]
    assert facts.known.tolist() == [False, True, False, False]
    assert facts.new.tolist() == [False, False, True, False]
    assert facts.frequency.tolist() == [0, 3, 0, 0]
    assert hashtag_facts(["rare"], vocabulary).new.tolist() == [True, False]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=40), st.randoms(use_true_random=False), st.integers(1, 9))
def test_exact_means_ignore_order_and_grouping(values, random: random.Random, size):
    whole, parts = ExactMean(), ExactMean()
    column = np.array(values)[:, None]
    whole.add(column)
    random.shuffle(values)
    shuffled = np.array(values)[:, None]
    for start in range(0, max(len(values), 1), size):
        parts.add(shuffled[start : start + size])
    np.testing.assert_array_equal(whole.value, parts.value)
    counted = [value for value in values if not math.isnan(value)]
    assert whole.rows.tolist() == [len(counted)]
    expected = math.fsum(counted) / len(counted) if counted else math.nan
    np.testing.assert_allclose(whole.value, [expected], atol=1e-11)


def test_an_unknown_per_post_metric_names_those_there_are():
    outcomes = Outcomes(HITS, HITS, HITS, TRUE, TRUE, TRUE, TRUE, KS)
    with pytest.raises(KeyError, match=r"'precison'; per-post metrics: hit_rate, precision"):
        outcomes.column("precison")


def test_repeated_posts_are_counted():
    with pytest.raises(DataError, match=r"post 'b' is ranked twice \(2 repeated post ids in all\)"):
        check_post_ids(["a", "b", "b", "c", "a"])


def test_rankings_helper_pads():
    assert make_rankings([["a"], ["b", "a"]]).indices.tolist() == [[0, -1], [1, 0]]
