import math

import numpy as np
import pandas as pd
import pytest
from evaluation_reference import make_rankings, make_vocabulary, slow_row
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.metrics.truth import Truth
from multimodal.ranking.rankings import Rankings

TAGS = [f"tag{number}" for number in range(9)]
FREQUENCIES = {"tag0": 40, "tag1": 17, "tag2": 5, "tag3": 5, "tag4": 2}
SEEN = {*FREQUENCIES, "tag5", "tag6"}  # tag7 and tag8 are new

cases = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(
            st.tuples(st.permutations(TAGS), st.integers(0, 9)).map(lambda t: t[0][: t[1]]), min_size=n, max_size=n
        ),
        st.lists(st.lists(st.sampled_from([*TAGS, "unnamed"]), max_size=7), min_size=n, max_size=n),
    )
)
cut_offs = st.lists(st.integers(1, 14), min_size=1, max_size=6)


def similarity_matrix():
    rng = np.random.default_rng(3)
    matrix = rng.random((len(FREQUENCIES), len(FREQUENCIES)))
    return (matrix + matrix.T) / 2


def slow_similarity(a, b):
    order = list(FREQUENCIES)
    return float(np.float32(similarity_matrix()[order.index(a), order.index(b)])) if {a, b} <= set(order) else 0.0


def evaluate(ranked, truth, ks, **options):
    options = {"train_hashtags": SEEN, "similarity": similarity_matrix(), **options}
    return evaluate_rankings(make_rankings(ranked), truth, ks, make_vocabulary(FREQUENCIES), **options)


@settings(max_examples=120, deadline=None)
@given(cases, cut_offs, st.sampled_from(["capped", "relevant"]))
def test_every_column_equals_the_slow_loop(case, ks, norm):
    ranked, truth = case
    if not any(truth):
        with pytest.raises(DataError, match=r"none of the .* has a true hashtag"):
            evaluate(ranked, truth, ks)
        return
    evaluation = evaluate(ranked, truth, ks, ap_norm=norm)
    assert list(evaluation.table.columns) == list(METRICS.columns)
    assert evaluation.ks == sorted(set(ks))
    for k in evaluation.ks:
        expected = slow_row(ranked, truth, k, FREQUENCIES, SEEN, slow_similarity, norm)
        assert evaluation.at(k) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(cases, cut_offs, st.integers(1, 14), st.integers(1, 5), st.randoms(use_true_random=False))
def test_a_figure_does_not_depend_on_other_ks_chunks_or_order(case, ks, k, chunk, random):
    ranked, truth = case
    truth[0].append("tag1")
    alone = evaluate(ranked, truth, [k]).at(k)
    assert evaluate(ranked, truth, [*ks, k], chunk_posts=chunk).at(k) == pytest.approx(alone, abs=0, rel=0, nan_ok=True)
    order = list(range(len(ranked)))
    random.shuffle(order)
    shuffled = evaluate([ranked[i] for i in order], [truth[i] for i in order], [k], chunk_posts=chunk)
    assert shuffled.at(k) == pytest.approx(alone, abs=0, rel=0, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(cases, cut_offs)
def test_per_post_values_average_to_the_table(case, ks):
    ranked, truth = case
    truth[0].append("tag1")
    evaluation = evaluate(ranked, truth, ks)
    posts = int(evaluation.table["posts"].iloc[0])
    assert len(evaluation.outcomes.post_ids) == posts
    for name in evaluation.outcomes.names:
        values = evaluation.outcomes[name]
        assert values.dtype == np.float32
        assert values.shape == (posts, len(evaluation.ks))
        counted = ~np.isnan(values)
        means = np.divide(
            np.nansum(values, axis=0),
            counted.sum(axis=0),
            where=counted.any(axis=0),
            out=np.full(len(evaluation.ks), np.nan),
        )
        np.testing.assert_allclose(means, evaluation.table[name], atol=1e-5)


def test_hand_worked_example():
    truth = [[f"true{number}" for number in range(10)]]
    ranked = [["true0", "wrong0", "true1", "wrong1", "wrong2"]]
    rankings, vocabulary = make_rankings(ranked), make_vocabulary({f"true{number}": 1 for number in range(5)})
    row = evaluate_rankings(rankings, truth, [5], vocabulary).at(5)
    assert row["hit_rate"] == 1
    assert row["precision"] == pytest.approx(2 / 5)
    assert row["recall"] == pytest.approx(0.2)
    assert row["f1"] == row["f1_per_post"] == pytest.approx(2 * 0.4 * 0.2 / 0.6)
    assert row["recall_capped"] == pytest.approx(0.4)
    assert row["recall_known"] == pytest.approx(2 / 5)
    assert row["coverage_of_truth"] == pytest.approx(0.5)
    assert row["map"] == pytest.approx((1 + 2 / 3) / 5)
    assert row["mrr"] == 1
    assert row["ndcg"] == pytest.approx((1 + 0.5) / sum(1 / math.log2(rank + 1) for rank in range(1, 6)))
    relevant = evaluate_rankings(rankings, truth, [5], vocabulary, ap_norm="relevant").at(5)
    assert relevant["map"] == pytest.approx((1 + 2 / 3) / 10)


def test_f1_is_of_the_means_and_not_the_mean():
    ranked, truth = [["tag0", "tag1"], ["tag0", "tag1"]], [["tag0"], ["tag2", "tag3", "tag4"]]
    row = evaluate(ranked, truth, [2]).at(2)
    assert (row["precision"], row["recall"]) == (0.25, 0.5)
    assert row["f1"] == pytest.approx(2 * 0.25 * 0.5 / 0.75)
    assert row["f1_per_post"] == pytest.approx(1 / 3)


def test_posts_without_truth_are_left_out_and_counted():
    evaluation = evaluate([["tag0"], ["tag1"], ["tag2"]], [["tag0"], [], ["tag0"]], [1], user_ids=["a", "b", None])
    assert evaluation.at(1)["precision"] == 0.5
    assert (evaluation.at(1)["posts"], evaluation.at(1)["posts_without_truth"]) == (2, 1)
    assert list(evaluation.outcomes.post_ids) == ["post0", "post2"]
    assert evaluation.outcomes.user_ids == ["a", None]


def test_short_and_empty_lists_count_as_misses_and_are_counted():
    evaluation = evaluate([["tag0"], [], ["tag1", "tag0"]], [["tag0"]] * 3, [1, 2, 4])
    assert evaluation.at(2)["precision"] == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert evaluation.at(4)["precision"] == pytest.approx((0.25 + 0 + 0.25) / 3)
    assert evaluation.counts["posts_with_an_empty_list"] == 1
    assert evaluation.counts["posts_with_a_short_list"] == 2


def test_rankings_without_any_hashtag():
    row = evaluate([[], []], [["tag0"], ["tag1"]], [3]).at(3)
    assert row["hit_rate"] == row["precision"] == row["f1"] == row["f1_micro"] == row["ndcg"] == row["map"] == 0
    assert math.isnan(row["novelty"])


def test_a_repeated_true_hashtag_counts_once():
    evaluation = evaluate([["tag0"]], [["tag0", "tag1", "tag0"]], [1])
    assert evaluation.at(1)["recall"] == 0.5
    assert evaluation.counts["true_hashtags_repeated_and_ignored"] == 1


def test_best_k_is_the_smallest_of_equals():
    evaluation = evaluate([["tag0", "tag1"]], [["tag0", "tag1", "tag2"]], [1, 2, 3])
    assert evaluation.best_k() == 2
    assert evaluation.best_k("hit_rate") == 1
    with pytest.raises(UserError, match=r"unknown metric 'precison'. Did you mean 'precision'\?"):
        evaluation.best_k("precison")
    assert pd.isna(evaluation.table["new_hashtag_recall"]).all()
    with pytest.raises(UserError, match="has no value at any K"):
        evaluation.best_k("new_hashtag_recall")
    with pytest.raises(UserError, match="K = 7 is not part of this evaluation; it holds 1, 2, 3"):
        evaluation.at(7)


def test_a_truth_made_beforehand_gives_the_same():
    rankings, truth = make_rankings([["tag0", "tag1"]]), [["tag1", "other"]]
    vocabulary = make_vocabulary(FREQUENCIES)
    made = evaluate_rankings(rankings, Truth.from_hashtags(truth, rankings.names), [1, 2], vocabulary)
    pd.testing.assert_frame_equal(made.table, evaluate_rankings(rankings, truth, [1, 2], vocabulary).table)


@pytest.mark.parametrize(
    "ks, message", [([0], "0 is not a cut-off"), ([], "none is not a cut-off"), ([2.5], "2.5"), ([True], "True")]
)
def test_wrong_cut_offs(ks, message):
    with pytest.raises(UserError, match=message):
        evaluate([["tag0"]], [["tag0"]], ks)


def test_wrong_options():
    with pytest.raises(UserError, match="ap_norm: unknown value 'trec'; accepted are capped, relevant"):
        evaluate([["tag0"]], [["tag0"]], [1], ap_norm="trec")
    with pytest.raises(UserError, match="chunk_posts: 0 is not a number of posts"):
        evaluate([["tag0"]], [["tag0"]], [1], chunk_posts=0)
    with pytest.raises(DataError, match="1 ranked posts, but the true hashtags of 2"):
        evaluate([["tag0"]], [["tag0"], ["tag1"]], [1])
    with pytest.raises(DataError, match="1 ranked posts, but the users of 0"):
        evaluate([["tag0"]], [["tag0"]], [1], user_ids=[])
    with pytest.raises(DataError, match="the truth of post number 0 is the text 'tag0'; it must be a list"):
        evaluate([["tag0"]], ["tag0"], [1])


def rankings_of(indices, scores=None, post_ids=None):
    indices = np.array(indices, np.int64)
    scores = (
        np.where(indices >= 0, -np.arange(indices.shape[1], dtype=float), np.nan)
        if scores is None
        else np.array(scores)
    )
    return Rankings(post_ids or [f"post{row}" for row in range(len(indices))], indices, scores, ["a", "b", "c"])


@pytest.mark.parametrize(
    "rankings, message",
    [
        (rankings_of([[0, 1], [1, 1]]), "post 'post1': the hashtag 'b' is recommended twice"),
        (rankings_of([[0, 3]]), "post 'post0', rank 2: 3 is not the number of a hashtag"),
        (rankings_of([[-2, 1]]), "post 'post0', rank 1: -2 is not the number of a hashtag"),
        (rankings_of([[-1, 1]]), "post 'post0', rank 2: 1 comes after an empty rank"),
        (rankings_of([[0, 1]], [[1.0, np.nan]]), "post 'post0', rank 2: nan is not a finite score"),
        (rankings_of([[0, 1]], [[np.inf, 1.0]]), "post 'post0', rank 1: inf is not a finite score"),
        (rankings_of([[0, 1]], [[0.5, 0.75]]), "post 'post0', rank 2: 0.75 is a higher score than that before it"),
        (rankings_of([[0], [1], [0]], post_ids=["x", "y", "x"]), "post 'x' is ranked twice"),
        (rankings_of([[0, 1]], [[1.0]]), r"\(1, 2\) indices and \(1, 1\) scores for 1 posts"),
    ],
)
def test_rankings_that_are_none(rankings, message):
    with pytest.raises(DataError, match=message):
        evaluate_rankings(rankings, [["a"]] * len(rankings), [1], make_vocabulary({"a": 1}))


def test_many_posts_at_once_equal_a_few_at_a_time():
    rng = np.random.default_rng(0)
    ranked = [list(rng.permutation(TAGS)[: rng.integers(0, 10)]) for _ in range(9000)]
    truth = [list(rng.choice(TAGS, rng.integers(0, 6))) for _ in range(9000)]
    whole = evaluate(ranked, truth, [1, 3, 9], chunk_posts=100_000)
    pd.testing.assert_frame_equal(
        whole.table, evaluate(ranked, truth, [1, 3, 9], chunk_posts=7).table, check_exact=True
    )
