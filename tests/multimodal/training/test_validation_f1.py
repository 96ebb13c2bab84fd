"""F1@K from hits per post against a loop."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest

from multimodal.training.validation_f1 import count_hits, f1_of_hits, hits_at_k


def test_it_is_the_f1_of_mean_precision_and_mean_recall():
    hits, sizes, k = [2, 0, 1, 3], [4, 1, 1, 3], 5
    precision = fmean(hit / k for hit in hits)
    recall = fmean(hit / size for hit, size in zip(hits, sizes, strict=True))
    assert float(f1_of_hits(hits, sizes, k)) == pytest.approx(2 * precision * recall / (precision + recall))


def test_every_setting_has_its_own():
    hits = np.random.default_rng(0).integers(0, 4, (9, 3))
    sizes = np.arange(4, 13)
    together = f1_of_hits(hits, sizes, 5)
    assert together.tolist() == [pytest.approx(float(f1_of_hits(hits[:, one], sizes, 5))) for one in range(3)]


def test_nothing_is_worth_nothing():
    assert float(f1_of_hits([0, 0], [1, 2], 5)) == 0
    assert f1_of_hits(np.zeros((0, 3)), [], 5).tolist() == [0, 0, 0]


def test_hits_are_counted_among_the_highest_scores():
    scores = np.array([[0.1, 0.9, 0.5, 0.2], [0.4, 0.3, 0.2, 0.1], [0.0, 0.1, 0.2, 0.3]])
    assert hits_at_k(scores, [[1, 2, 3], [3], []], 2) == [2, 0, 0]
    assert hits_at_k(scores, [[1, 2, 3], [3], []], 9) == [3, 1, 0]


def test_a_score_that_is_not_finite_is_no_hit():
    assert hits_at_k(np.array([[-np.inf, 1.0, np.nan]]), [[0, 2]], 3) == [0]


def test_hits_equal_a_loop():
    draw = np.random.default_rng(1)
    scores = draw.permutation(200).reshape(20, 10).astype(float)
    truth = [draw.choice(10, 3, replace=False).tolist() for _ in scores]
    expected = [
        sum(one in sorted(range(10), key=lambda column: -row[column])[:4] for one in true)
        for row, true in zip(scores, truth, strict=True)
    ]
    assert hits_at_k(scores, truth, 4) == expected


def test_an_empty_entry_of_a_list_is_no_hit():
    assert count_hits(np.array([[3, -1], [-1, -1]]), [[3, 4], [5]]) == [1, 0]
