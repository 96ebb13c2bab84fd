"""`k = auto`: the ratio of expectations against the expectation of the ratio, summed over all sets of hashtags."""

from itertools import product

import numpy as np
import pytest

from multimodal.ranking.calibration import AS_THEY_ARE, Calibration
from multimodal.ranking.list_length import AutoLength, expected_f1, expected_gain


def _exact(chances, k, outside):
    """The expected F1 of the first k: over every set of true hashtags, its chance times its F1."""
    total = 0.0
    for true in product((False, True), repeat=len(chances)):
        chance = np.prod(np.where(true, chances, 1 - chances))
        total += chance * 2 * sum(true[:k]) / max(k + sum(true) + outside, 1)
    return total


def _draws(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        shape = rng.choice([0.2, 0.5, 1.0, 3.0], 2)
        yield np.sort(rng.beta(*shape, size=rng.integers(2, 9)))[::-1], int(rng.integers(0, 3))


def test_lists_are_nearly_as_good_as_those_of_the_exact_sum():
    losses, same = [], []
    for chances, outside in _draws(200):
        exact = np.array([_exact(chances, k, outside) for k in range(1, len(chances) + 1)])
        chosen = int(np.argmax(expected_f1(chances[None], outside)))
        losses.append(exact.max() - exact[chosen])
        same.append(chosen == int(exact.argmax()))
    assert np.mean(losses) < 0.001
    assert np.mean(same) > 0.85


def test_it_is_exact_where_nothing_is_uncertain():
    for right in range(1, 6):
        chances = (np.arange(6) < right).astype(float)
        exact = [_exact(chances, k, 0) for k in range(1, 7)]
        assert expected_f1(chances[None], 0)[0] == pytest.approx(exact)


def test_by_hand():
    chances = np.array([[0.9, 0.5, 0.1], [0.4, np.nan, np.nan]])
    f1 = expected_f1(chances, 0.5)
    assert f1[0] == pytest.approx([1.8 / 3.0, 2.8 / 4.0, 3.0 / 5.0])
    assert f1[1].tolist() == [0.8 / 1.9, -np.inf, -np.inf]
    # The third is not a candidate: it can be named, but nobody expects it to be true.
    assert expected_f1(chances, 0.5, 2)[0, 2] == pytest.approx(3.0 / 4.9)


def _drawn_gain(chances, k, outside, spread):
    """The gain of the first k, over draws of what the hashtags of a post have in common."""
    shifts = spread * np.random.default_rng(0).normal(size=200_000)
    odds = np.log(chances / (1 - chances)) * np.sqrt(1 + np.pi / 8 * spread**2)
    shifted = 1 / (1 + np.exp(-(odds + shifts[:, None])))
    found, true = shifted[:, :k].sum(1), np.maximum(shifted.sum(1) + outside, 1)
    means = (found / k + np.minimum(found / true, 1)) / 2
    return float(np.mean((2 * found / (k + true) + means) / 2))


@pytest.mark.parametrize("spread", [0.3, 1.0, 2.0])
def test_the_gain_is_the_mean_over_what_a_posts_hashtags_have_in_common(spread):
    for chances in ([0.9, 0.5, 0.1], [0.3, 0.3, 0.2]):
        drawn = [_drawn_gain(np.array(chances), k, 0.4, spread) for k in (1, 2, 3)]
        assert expected_gain(np.array([chances]), 0.4, spread=spread)[0] == pytest.approx(drawn, abs=0.003)


def test_a_gain_where_nothing_is_uncertain():
    # One of two is found: F1 2/3, precision 1, recall 1/2; then both: all 1; then precision 2/3 and F1 4/5.
    gain = expected_gain(np.array([[1.0, 1.0, 0.0], [1.0, np.nan, np.nan]]), 0.0, spread=1.0)
    assert gain[0] == pytest.approx([(2 / 3 + 3 / 4) / 2, 1.0, (4 / 5 + 5 / 6) / 2], abs=1e-6)
    assert gain[1].tolist() == [pytest.approx(1.0), -np.inf, -np.inf]


def test_a_list_alone_has_the_gain_that_it_has_among_others():
    chances = np.sort(np.random.default_rng(0).beta(0.3, 1.5, (50, 40)))[:, ::-1]
    together = expected_gain(chances, 0.3, 40, 2.0)
    assert all((expected_gain(chances[row : row + 1], 0.3, 40, 2.0)[0] == together[row]).all() for row in range(50))


def test_a_spread_chooses_by_the_gain():
    scores, spread = [[0.76, 0.31, 0.3, 0.08]], Calibration((0.0, 1.0), (0.0, 1.0), spread=2.0)
    expected = 1 + int(np.argmax(expected_gain(np.array(scores), 0.3, spread=2.0)))
    assert _lengths(scores, outside=0.3, calibration=spread) == [expected]
    assert _lengths(scores, outside=0.3) != [expected]


def _lengths(scores, minimum=1, maximum=10, outside=0.0, calibration=AS_THEY_ARE):
    return AutoLength(calibration, outside, minimum, maximum).of(np.array(scores, float)).tolist()


def test_certain_posts_get_longer_lists():
    assert _lengths([[0.9, 0.9, 0.9, 0.1], [0.9, 0.1, 0.1, 0.1]]) == [3, 1]


def test_minimum_and_maximum():
    scores = [[0.9, 0.9, 0.9, 0.1], [0.9, 0.1, 0.1, 0.1]]
    assert _lengths(scores, minimum=2) == [3, 2]
    assert _lengths(scores, maximum=2) == [2, 1]
    assert _lengths(scores, minimum=4, maximum=4) == [4, 4]
    assert _lengths(scores, minimum=9) == [4, 4]


def test_lists_that_end():
    assert _lengths([[0.9, 0.9, np.nan], [np.nan, np.nan, np.nan]], minimum=3) == [2, 0]
    assert _lengths(np.empty((2, 0))) == [0, 0]


def test_equal_lengths_are_decided_for_the_shortest():
    assert _lengths([[0.0, 0.0]]) == [1]


def test_truth_outside_makes_lists_longer():
    scores = [[0.8, 0.3, 0.2, 0.1]]
    assert _lengths(scores)[0] < _lengths(scores, outside=5.0)[0]


def test_scores_become_chances_first():
    halved = Calibration((0.0, 1.0), (0.0, 0.5))
    scores = [[1.0, 0.55, 0.1]]
    assert _lengths(scores) == [2]
    expected = int(np.argmax(expected_f1(np.array(scores) / 2, 0.0))) + 1
    assert _lengths(scores, calibration=halved) == [expected]


def test_the_ranking_is_as_deep_as_its_chances_are_known():
    assert AutoLength(AS_THEY_ARE, 0.0, 1, 5).depth == 10
    assert AutoLength(AS_THEY_ARE, 0.0, 1, 15).depth == 10
    assert AutoLength(AS_THEY_ARE, 0.0, 15, 15).depth == 15


def test_nothing_is_named_for_a_chance_that_was_not_calibrated():
    scores = [[0.9] * 30]
    assert _lengths(scores, maximum=30) == [10]
    assert _lengths(scores, minimum=15, maximum=30) == [15]
