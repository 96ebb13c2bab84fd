"""Exactly K: ties, unusable candidates, and filling up; fast paths beside slow ones."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import SCORE_DECIMALS, order_candidates, top_k

NAMES = ["delta", "alpha", "charlie", "bravo", "golf", "echo", "foxtrot"]
FREQUENCIES = [9, 5, 5, 2, 1]


def id_map():
    growing = HashtagIdMap(NAMES[:5], FREQUENCIES)
    growing.add(NAMES[5:])
    return growing


def slow_order(indices, scores, k):
    usable = [(i, round(s, SCORE_DECIMALS)) for i, s in zip(indices, scores, strict=True) if math.isfinite(s)]
    frequency = [*FREQUENCIES, 0, 0]
    return sorted(usable, key=lambda pair: (-pair[1], -frequency[pair[0]], NAMES[pair[0]]))[:k]


score_values = st.sampled_from([0.0, 0.5, 0.5 + 1e-9, 1.0, -2.0, -math.inf, math.nan])


@given(scores=st.lists(score_values, min_size=7, max_size=7), k=st.integers(1, 9), order=st.permutations(range(7)))
def test_equals_sorting_by_score_frequency_and_name_in_any_order(scores, k, order):
    indices = np.array(order, np.int64)
    values = np.array(scores)[indices]
    chosen, kept = order_candidates(indices, values, id_map(), k)
    assert list(zip(chosen.tolist(), kept.tolist(), strict=True)) == slow_order(order, values.tolist(), k)


def test_equal_scores_go_to_the_more_frequent_then_by_name():
    chosen, _ = order_candidates(np.arange(7), np.zeros(7), id_map(), 7)
    assert [NAMES[i] for i in chosen] == ["delta", "alpha", "charlie", "bravo", "golf", "echo", "foxtrot"]


def test_the_last_bits_of_a_score_do_not_decide():
    chosen, _ = order_candidates(np.array([3, 0]), np.array([0.3 + 1e-12, 0.3]), id_map(), 1)
    assert NAMES[chosen[0]] == "delta"


def test_short_rows_are_padded():
    scores = np.array([[1.0, -np.inf, 2.0], [-np.inf, -np.inf, -np.inf]])
    rankings = Rankings.from_lists(["a", "b"], top_k(scores, id_map(), 3), 3, NAMES)
    indices, values = rankings.indices, rankings.scores
    assert indices.tolist() == [[2, 0, -1], [-1, -1, -1]]
    assert values[0, :2].tolist() == [2.0, 1.0]
    assert np.isnan(values[0, 2])


@given(
    own=st.lists(st.integers(0, 6), unique=True),
    excluded=st.sets(st.integers(0, 9)),
    k=st.integers(1, 9),
    size=st.integers(0, 7),
)
def test_filling_up_equals_a_loop(own, excluded, k, size):
    own = [index for index in own if index not in excluded]
    expected = own[:k]
    for index in range(size):
        if len(expected) < k and index not in own and index not in excluded:
            expected.append(index)
    indices, scores = fill_up(
        np.array(own, np.int64), np.ones(len(own)), np.arange(size), -np.arange(1.0, size + 1), k, excluded
    )
    assert indices.tolist() == expected
    assert len(scores) == len(expected)
    assert scores.tolist() == sorted(scores, reverse=True)


def test_rankings_read_as_pairs():
    lists = [(np.array([1, 0]), np.array([0.5, 0.25])), (np.array([2]), np.array([1.0]))]
    rankings = Rankings.from_lists(["p", "q"], lists, 2, NAMES)
    assert list(rankings) == [[("alpha", 0.5), ("delta", 0.25)], [("charlie", 1.0)]]
    assert (len(rankings), rankings.k) == (2, 2)
