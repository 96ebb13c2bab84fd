import numpy as np
import pytest

from multimodal.evaluation.uncertainty.bands import simultaneous_bands


def test_by_hand():
    # Standard error 1 at both Ks; the furthest deviations of the resamples are 1, 1, 1 and 1.
    draws = np.array([[1.0, 6.0], [-1.0, 4.0], [1.0, 4.0], [-1.0, 6.0]])
    draws = 5 * np.array([0.0, 1.0]) + (draws - [0, 5]) * np.sqrt(3 / 4)
    ((low, high),) = simultaneous_bands([(np.array([0.0, 5.0]), draws)])
    np.testing.assert_allclose(high - low, 2 * np.sqrt(3 / 4))
    np.testing.assert_allclose((low + high) / 2, [0, 5])


def test_all_ks_of_all_curves_are_inside_at_once():
    rng = np.random.default_rng(0)
    values = [rng.random(30), rng.random(30)]
    draws = [value + rng.normal(0, 0.1, (4000, 30)).cumsum(axis=1) for value in values]
    together = simultaneous_bands(list(zip(values, draws, strict=True)))
    inside = [
        ((low <= drawn) & (drawn <= high)).all(axis=1) for (low, high), drawn in zip(together, draws, strict=True)
    ]
    assert (inside[0] & inside[1]).mean() == pytest.approx(0.95, abs=0.002)
    ((low, high),) = simultaneous_bands([(values[0], draws[0])])
    assert (high - low < together[0][1] - together[0][0]).all()


def test_what_does_not_move_has_no_width_and_what_is_not_defined_no_band():
    draws = np.column_stack([np.full(50, 0.5), np.full(50, np.nan), np.linspace(0, 1, 50)])
    ((low, high),) = simultaneous_bands([(np.array([0.5, np.nan, 0.5]), draws)])
    assert (low[0], high[0]) == (0.5, 0.5)
    assert np.isnan([low[1], high[1]]).all()
    assert low[2] < 0.5 < high[2]
    assert simultaneous_bands([]) == []
