import numpy as np
import pytest
from ranker_rows import SMALL, draw_rows

from multimodal.hybrid.ranker.linear import Linear
from multimodal.hybrid.ranker.logistic import fit_linear


def test_by_hand():
    two = np.ones(2)
    linear = Linear(0.5, -two, 2 * two, np.array([2.0, 0.0]), np.array([0.0, 1.0]), np.array([7.0, 8.0]), two)
    features = np.array([[1, 1], [np.nan, -1], [5, np.nan]], np.float32)
    # 2 · 1 + log(1 + 20 · 1), a missing value and a logarithm of 1, a value cut to 2 and a missing one.
    expected = [0.5 + 2 + np.log(21), 0.5 + 7 + 0, 0.5 + 4 + 8]
    assert linear.log_odds(features) == pytest.approx(expected, abs=1e-12)
    assert linear.base == 2.5
    assert linear.attribution(features, np.array([1, 0]), 3)[2].tolist() == [7.0, 3.0, 0.0]


def test_attributions_are_zero_on_average():
    rows = draw_rows()
    linear = fit_linear(rows, SMALL)
    parts = linear.attribution(rows.features, np.arange(rows.features.shape[1]), rows.features.shape[1])
    assert parts.mean(0) == pytest.approx(np.zeros(parts.shape[1]), abs=1e-9)
    assert linear.base == pytest.approx(linear.log_odds(rows.features).mean(), abs=1e-9)


def test_a_feature_that_is_never_there_or_always_the_same_adds_nothing():
    rows = draw_rows()
    rows.features[:, 1], rows.features[:, 3] = np.nan, 4.0
    linear = fit_linear(rows, SMALL)
    parts = linear.attribution(rows.features, np.arange(6), 6)
    assert parts[:, [1, 3]] == pytest.approx(np.zeros((len(rows), 2)), abs=1e-9)
    assert np.isfinite(linear.log_odds(draw_rows(seed=1).features)).all()


def test_many_rows_are_added_up_in_parts(monkeypatch):
    linear, features = fit_linear(draw_rows(), SMALL), draw_rows(seed=1).features
    at_once = linear.log_odds(features), linear.attribution(features, np.arange(6), 6)
    monkeypatch.setattr("multimodal.hybrid.ranker.linear._ROWS_AT_ONCE", 7)
    assert np.array_equal(linear.log_odds(features), at_once[0])
    assert np.array_equal(linear.attribution(features, np.arange(6), 6), at_once[1])
