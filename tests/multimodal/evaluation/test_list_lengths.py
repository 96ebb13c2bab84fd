import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.evaluation.list_length import ScoredHits, best_fixed_length, choose_threshold
from multimodal.evaluation.metrics.accuracy import f1_of_means

NAN = np.nan


def scored(scores, hits, true_count):
    return ScoredHits(np.array(scores, float), np.array(hits, bool), np.array(true_count))


def f1_at(example, threshold):
    return float(f1_of_means(*example.precision_and_recall(example.lengths(threshold)).mean(axis=0)))


def test_by_hand():
    example = scored([[9, 8, 1], [7, 2, 1], [NAN, NAN, NAN]], [[1, 1, 0], [1, 0, 0], [0, 0, 0]], [2, 1, 3])
    assert example.lengths(8).tolist() == [2, 1, 0]
    assert example.lengths(100).tolist() == [1, 1, 0]
    np.testing.assert_allclose(example.precision_and_recall(np.array([2, 1, 0])), [[1, 1], [1, 1], [0, 0]])
    assert choose_threshold(example) == (8.0, pytest.approx(2 / 3))
    assert best_fixed_length(example) == 1


def test_lists_that_are_never_worth_a_second_hashtag():
    example = scored([[3, 3], [3, 3]], [[1, 0], [1, 0]], [1, 1])
    threshold, f1 = choose_threshold(example)
    assert (threshold, f1) == (np.inf, 1.0)
    assert example.lengths(threshold).tolist() == [1, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 5))
def test_no_threshold_does_better(seed, posts, depth):
    rng = np.random.default_rng(seed)
    scores = -np.sort(-rng.integers(0, 6, (posts, depth)).astype(float), axis=1)  # many ties
    lengths = rng.integers(0, depth + 1, posts)
    empty = np.arange(depth) >= lengths[:, None]
    scores[empty] = NAN
    hits = (rng.random((posts, depth)) < 0.4) & ~empty
    example = ScoredHits(scores, hits, hits.sum(axis=1) + rng.integers(1, 3, posts))
    threshold, f1 = choose_threshold(example)
    assert f1 == pytest.approx(f1_at(example, threshold), abs=1e-12)
    assert f1 >= max(f1_at(example, candidate) for candidate in (np.inf, *range(-1, 7))) - 1e-12
    fixed = best_fixed_length(example)
    found = np.cumsum(hits, axis=1)
    every = [
        float(f1_of_means((found[:, k - 1] / k).mean(), (found[:, k - 1] / example.true_count).mean()))
        for k in range(1, depth + 1)
    ]
    assert every[fixed - 1] == max(every)
