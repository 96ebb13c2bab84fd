"""Grouping by (row, hashtag), and the best hashtags of each question, against loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.memory.questions.hashtag_values import (
    HashtagValues,
    PairGroups,
    leading,
    places_in_runs,
    run_sizes,
    run_starts,
)

# So far apart that there is no room for all pairs between them, or near each other.
numbers = st.integers(0, 5) | st.sampled_from([2**20, 2**31])
entries = st.lists(st.tuples(st.integers(0, 4), numbers, st.integers(-9, 9)), max_size=30)


@given(entries)
@settings(max_examples=150, deadline=None)
def test_groups_are_those_of_a_loop(given_entries):
    rows, hashtags, weights = np.array(given_entries, np.int64).reshape(-1, 3).T
    groups = PairGroups.by(rows, hashtags)
    expected = {}
    for place, (row, hashtag, weight) in enumerate(given_entries):
        expected.setdefault((row, hashtag), []).append((place, weight))
    members = [expected[pair] for pair in sorted(expected)]
    assert list(zip(groups.rows.tolist(), groups.hashtags.tolist(), strict=True)) == sorted(expected)
    assert groups.counts().tolist() == [len(one) for one in members]
    assert groups.firsts().tolist() == [one[0][0] for one in members]
    assert groups.sums(weights / 8).tolist() == [sum(weight for _, weight in one) / 8 for one in members]
    assert groups.largest(weights).tolist() == [max(weight for _, weight in one) for one in members]


def test_weights_of_a_group_are_added_in_the_order_of_entries():
    weights = np.array([1e16, 1.0, -1e16, 1.0, 3.0])
    for far in (1, 2**31):
        groups = PairGroups.by(np.array([0, 0, 0, 0, 1]), np.array([far, far, far, far, 0]))
        assert groups.sums(weights).tolist() == [((1e16 + 1.0) - 1e16) + 1.0, 3.0]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_the_best_are_those_of_a_loop_and_ties_go_by_text(count):
    rows, hashtags = np.array([0, 0, 0, 2, 2, 2, 2]), np.array([1, 4, 6, 0, 1, 2, 3])
    values = np.array([[3.0], [3.0], [1.0], [2.0], [2.0], [2.0], [5.0]])
    texts = "gfedcba"
    best = HashtagValues(rows, hashtags, values, ("value",)).best(count, texts.__getitem__)
    expected = []
    for row in (0, 2):
        places = sorted(np.flatnonzero(rows == row), key=lambda place: (-values[place, 0], texts[hashtags[place]]))
        expected += sorted(places[:count])
    assert best.hashtags.tolist() == hashtags[expected].tolist()
    assert best.values.tolist() == values[expected].tolist()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12), st.lists(st.integers(0, 4), min_size=3))
def test_each_row_has_its_own_number_of_leading_entries(entries, counts):
    rows, values = np.array(sorted(entries), np.int64).reshape(-1, 2).T
    hashtags, texts = np.arange(len(rows)), "lkjihgfedcba"
    expected = []
    for row in range(3):
        places = sorted(np.flatnonzero(rows == row), key=lambda place: (-values[place], texts[place]))
        expected += sorted(places[: counts[row]])
    found = leading(rows, hashtags, values.astype(np.float64), np.array(counts), texts.__getitem__)
    assert found.tolist() == expected


@given(st.lists(st.integers(0, 2), max_size=12))
def test_runs_are_those_of_a_loop(values):
    runs = [list(run) for _, run in itertools.groupby(range(len(values)), values.__getitem__)]
    starts = run_starts(np.array(values, np.int64))
    sizes = run_sizes(starts, len(values))
    assert starts.tolist() == [run[0] for run in runs]
    assert sizes.tolist() == [len(run) for run in runs]
    assert places_in_runs(starts, sizes).tolist() == [place for run in runs for place in range(len(run))]
