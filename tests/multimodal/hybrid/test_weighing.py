"""How much validation posts count: more where they tell what train posts do not."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from multimodal.hybrid.learning_posts import LearningPosts
from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.weighing import validation_weight, weighted_rows
from tests.multimodal.hybrid.test_choosing_sources import learning_of

CONFIG = RankerConfig(kind="linear")


def changed(learning: LearningPosts) -> LearningPosts:
    """Return them as if what tells the true hashtags of validation posts had told the wrong ones before."""
    values = learning.table.values
    before = learning.table.rows < learning.train
    values[before, :2] *= -1
    return learning


def test_more_where_habits_have_changed(caplog):
    caplog.set_level(logging.INFO, "multimodal.hybrid.weighing")
    assert validation_weight(changed(learning_of(400, 300)), CONFIG, 0) > 1
    told = [record.getMessage() for record in caplog.records]
    assert [text.split()[3] for text in told] == ["4", "16"]
    assert all(text.startswith("counting validation posts ") for text in told)


@pytest.mark.parametrize("kind", ["linear", "trees"])
def test_as_much_as_others_where_nothing_has(kind):
    assert validation_weight(learning_of(400, 300), RankerConfig(kind=kind), 0) == 1


def test_a_small_share_of_the_loss_changes_nothing(monkeypatch):
    learning = changed(learning_of(400, 300))
    monkeypatch.setattr("multimodal.hybrid.weighing._LEAST_SHARE", 0.999)
    assert validation_weight(learning, CONFIG, 0) == 1


def test_too_few_to_tell():
    assert validation_weight(changed(learning_of(339, 300)), CONFIG, 0) == 1
    assert validation_weight(changed(learning_of(300, 300)), CONFIG, 0) == 1


def test_rows_of_validation_posts_count_so_often():
    learning = learning_of(20, 15)
    rows, once = weighted_rows(learning, 4.0), weighted_rows(learning, 1.0)
    assert np.array_equal(rows.features, once.features)
    assert np.array_equal(rows.labels, once.labels)
    assert once.times is None
    for weights in (rows.weights, rows.candidate_weights):
        of_posts = np.bincount(rows.posts, weights)
        assert of_posts[15:] == pytest.approx(4 * of_posts[0])
        assert of_posts[:15] == pytest.approx(of_posts[0])
        assert weights.mean() == pytest.approx(1)
