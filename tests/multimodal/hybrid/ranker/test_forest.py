from dataclasses import asdict

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranker_rows import NAMES, SMALL, draw_rows

from multimodal.hybrid.ranker.boosting import _parameters, forest_of, grow_forest, scaled
from multimodal.hybrid.ranker.forest import Forest, one_by_one


def _same(one: Forest, other: Forest) -> bool:
    pairs = zip(asdict(one).values(), asdict(other).values(), strict=True)
    return all(np.array_equal(first, second) for first, second in pairs)


def _booster(rows, **settings):
    data = lightgbm.Dataset(rows.features, rows.labels.astype(np.float32), weight=rows.weights)
    return lightgbm.train({**_parameters(SMALL, 0), **settings}, data, 12)


def _walk(forest, row):
    """The log-odds of one row, from node to node."""
    total = 0.0
    for start in forest.starts:
        node = int(start)
        while forest.feature[node] >= 0:
            value = row[forest.feature[node]]
            left = bool(forest.missing_left[node]) if np.isnan(value) else value <= forest.threshold[node]
            node = node + 1 if left else int(forest.right[node])
        total += forest.value[node]
    return total


# Two hands full of leaves, more than 16 and more than 32: a bit each in 16, 32 and 64 bits.
@pytest.mark.parametrize("leaves", [2, 7, 20, 50, 64])
def test_answers_are_those_of_lightgbm(leaves):
    rows = draw_rows(posts=200)
    booster = _booster(rows, num_leaves=leaves, min_data_in_leaf=1)
    forest = forest_of(booster.dump_model(), len(NAMES))
    others = draw_rows(posts=50, seed=1).features
    others[0], others[1], others[2] = np.nan, 0.0, np.inf
    expected = booster.predict(others, raw_score=True)
    assert np.abs(forest.log_odds(others) - expected).max() <= 1e-12
    assert [_walk(forest, row) for row in others[:40]] == pytest.approx(expected[:40], abs=1e-12)


def test_values_at_a_threshold_and_beside_it_go_the_way_lightgbm_sends_them():
    rows = draw_rows(posts=100)
    booster = _booster(rows)
    forest = forest_of(booster.dump_model(), len(NAMES))
    at = forest.threshold[forest.feature >= 0]
    around = np.concatenate([at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf)), -at])
    features = np.repeat(around[:, None], len(NAMES), axis=1)
    assert np.array_equal(forest.log_odds(features), booster.predict(features, raw_score=True))


@pytest.mark.parametrize("rows", [1, 2, 7, 300])
def test_a_row_does_not_depend_on_the_others(rows):
    forest = grow_forest(draw_rows(), SMALL)
    features = draw_rows(seed=2).features[:rows]
    alone = np.concatenate([forest.log_odds(features[i : i + 1]) for i in range(rows)])
    assert np.array_equal(forest.log_odds(features), alone)


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 200])
def test_trees_are_added_one_by_one(rows):
    terms = np.random.default_rng(0).normal(size=(300, rows))
    assert one_by_one(terms).tolist() == np.cumsum(terms, axis=0)[-1].tolist()


def test_many_rows_are_walked_in_parts(monkeypatch):
    forest = grow_forest(draw_rows(), SMALL)
    features = draw_rows(seed=2).features
    at_once = forest.log_odds(features)
    monkeypatch.setattr("multimodal.hybrid.ranker.forest._AT_ONCE", 100)
    assert np.array_equal(forest.log_odds(features), at_once)


def test_no_rows():
    forest = grow_forest(draw_rows(), SMALL)
    nothing = np.empty((0, len(NAMES)), np.float32)
    assert forest.log_odds(nothing).shape == (0,)
    assert forest.attribution(nothing, np.zeros(len(NAMES), np.int64), 1).shape == (0, 1)


def _leaf(value, count):
    return {"leaf_value": value, "leaf_count": count}


def _split(feature, threshold, left, right, missing_left=True):
    return {"split_feature": feature, "threshold": threshold, "default_left": missing_left, "missing_type": "NaN",
            "left_child": left, "right_child": right}  # fmt: skip


def test_a_tree_without_a_split_adds_its_value():
    trees = _leaf(0.25, 4), _split(1, 0.5, _leaf(-1.0, 3), _leaf(1.0, 1), missing_left=False), _leaf(0.25, 4)
    forest = forest_of({"tree_info": [{"tree_structure": tree} for tree in trees]}, 2)
    features = np.array([[0, 0.5], [0, 0.6], [0, np.nan]], np.float32)
    assert forest.log_odds(features).tolist() == [-0.5, 1.5, 1.5]
    assert forest.base == 0.25 - 0.5 + 0.25


def test_trees_without_any_split():
    forest = forest_of({"tree_info": [{"tree_structure": _leaf(value, 2)} for value in (0.25, -1.0)]}, 2)
    assert forest.log_odds(np.zeros((3, 2), np.float32)).tolist() == [-0.75] * 3
    assert forest.attribution(np.zeros((3, 2), np.float32), np.array([0, 1]), 2).tolist() == [[0, 0]] * 3


def test_attribution_follows_the_paths():
    tree = _split(0, 0.0, _leaf(-1.0, 3), _split(1, 0.0, _leaf(0.0, 1), _leaf(3.0, 2)))
    forest = forest_of({"tree_info": [{"tree_structure": tree}]}, 2)
    # The means: 0.5 over all six rows, 2 over the three on the right.
    features = np.array([[-1, 5], [1, 1], [1, -1]], np.float32)
    assert forest.attribution(features, np.array([0, 1]), 2).tolist() == [[-1.5, 0], [1.5, 1], [1.5, -2]]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=len(NAMES), max_size=len(NAMES)), st.integers(0, 5))
def test_attributions_and_base_sum_to_the_log_odds(sources, seed):
    forest = grow_forest(draw_rows(seed=seed), SMALL)
    features = draw_rows(seed=seed + 1).features
    parts = forest.attribution(features, np.array(sources), 3)
    assert parts.sum(1) + forest.base == pytest.approx(forest.log_odds(features), abs=1e-12)
    assert not parts[:, [source for source in range(3) if source not in sources]].any()


def test_the_order_of_rows_inside_of_posts_changes_no_tree():
    rows = draw_rows()
    shuffled = np.lexsort((np.random.default_rng(3).random(len(rows)), rows.posts))
    assert not np.array_equal(shuffled, np.arange(len(rows)))
    assert _same(grow_forest(rows, SMALL), grow_forest(rows.take(shuffled), SMALL))


def test_the_number_of_threads_changes_no_tree():
    rows = draw_rows(posts=300)
    assert _same(grow_forest(rows, SMALL), grow_forest(rows, SMALL.model_copy(update={"threads": 2})))


def test_another_seed_grows_other_trees():
    rows = draw_rows()
    assert _same(grow_forest(rows, SMALL, seed=1), grow_forest(rows, SMALL, seed=1))
    assert not _same(grow_forest(rows, SMALL), grow_forest(rows, SMALL, seed=1))


def test_scaled():
    forest = grow_forest(draw_rows(), SMALL)
    features = draw_rows(seed=1).features
    assert scaled(forest, 2.0, -1.0).log_odds(features) == pytest.approx(2 * forest.log_odds(features) - 1, abs=1e-12)
    assert scaled(forest, 0.0, 3.0).log_odds(features) == pytest.approx(np.full(len(features), 3.0), abs=1e-12)
