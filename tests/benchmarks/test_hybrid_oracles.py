"""What each stage of a hybrid loses, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.hybrid_oracles import Judged, figures_of
from data_loaders.posts import Post
from multimodal.hybrid.candidates import CandidateTable, Feature

POSTS = [Post(post_id="a", hashtags=("x", "y")), Post(post_id="b", hashtags=()), Post(post_id="c", hashtags=("y", "z"))]


@pytest.fixture
def by_hand():
    """Post a has candidates w, x, y, of which w is first; post c has y, and w before it."""
    rows, hashtags = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 2, 1, 0, 2])
    values, proposed = np.zeros((6, 1), np.float32), np.ones((6, 1), np.bool_)
    table = CandidateTable(3, rows, hashtags, ["w", "x", "y"], values, (Feature("own.x", "own"),), ("own",), proposed)
    return Judged.of(table, np.array([0.9, 0.5, 0.3, 0.8, 0.7, 0.2]), POSTS)


def test_candidates_stand_in_the_order_of_their_chances(by_hand):
    assert by_hand.candidates.tolist() == [3, 2]
    assert by_hand.truth.tolist() == [2, 2]
    assert by_hand.hits[:, :3].tolist() == [[False, True, True], [False, True, False]]
    assert by_hand.best_lengths().tolist() == [3, 2]


def test_every_oracle_by_hand(by_hand):
    figures = figures_of(by_hand, 0.5, 5)
    assert figures["candidates a post"] == 2.5
    assert figures["share of the truth among them"] == 0.75

    def f1(precision, recall):
        return pytest.approx(2 * precision * recall / (precision + recall))

    assert figures["F1@5, all hashtags in perfect order"] == f1(0.4, 1.0)
    assert figures["F1@5, candidates in perfect order"] == figures["F1@5, as it is"] == f1(0.3, 0.75)
    assert figures["F1, as many as there are"] == f1(0.5, 0.5)
    assert figures["F1, best length of each post"] == f1((2 / 3 + 1 / 2) / 2, 0.75)
    # Each chance is in a bin of its own: 0.9 and 0.7 are wrong, 0.5, 0.3 and 0.2 are right.
    assert figures["expected calibration error, all candidates"] == pytest.approx((0.9 + 0.7 + 0.5 + 0.7 + 0.8) / 5)
