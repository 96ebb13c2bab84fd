"""Posts in order of time: the same whatever the batches in which they arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import TimeOrder

SIZES = IndexSettings(slice_posts=4)


def state(order):
    posts = order.posts
    return [part.positions.tolist() for part in (posts.frozen, posts.open, posts.late)], posts.version


def arrived(*instants_us):
    order = TimeOrder(SIZES)
    order.extend(np.array(instants_us, np.int64))
    return order


def test_whole_slices_but_the_last_are_frozen():
    order = arrived(5, 3, 3, 9, 8, 10, 11, 12, 13)
    assert state(order) == ([[1, 2, 0, 4], [3, 5, 6, 7, 8], []], 0)
    assert [order.posts.before(instant) for instant in (3, 4, 9, 13, 99)] == [0, 2, 4, 8, 9]
    assert order.posts.part(2, 6).positions.tolist() == [0, 4, 3, 5]
    assert order.posts.part(5, 7).instants_us.tolist() == [10, 11]


def test_posts_older_than_what_is_frozen_are_late_until_they_are_sorted_in():
    instants = np.array([1, 2, 3, 4, 5, 6, 7, 8, 3, 4, 9])
    order = arrived(*instants)
    assert state(order) == ([[0, 1, 2, 3], [9, 4, 5, 6, 7, 10], [8]], 0)
    order.reindex(instants)
    assert state(order) == ([[0, 1, 2, 8], [3, 9, 4, 5, 6, 7, 10], []], 1)
    assert order.reindexed == (11, 1)
    order.reindex(instants)
    assert order.posts.version == 1


def test_slices_before_the_first_change_keep_their_lineage():
    order = arrived(*range(40))
    before = [order.posts.lineage(number) for number in range(9)]
    order.extend(np.array([*range(40), 21]))
    order.reindex(np.array([*range(40), 21]))
    after = [order.posts.lineage(number) for number in range(9)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True] * 5 + [False] * 4


def test_a_fork_has_its_own_lineage_from_where_it_may_differ():
    order = arrived(*range(20))
    fork = order.fork()
    for grown in (order, fork):
        grown.extend(np.arange(40))
    assert [order.posts.lineage(number) == fork.posts.lineage(number) for number in (0, 3, 4, 8)] == [True] * 2 + [
        False
    ] * 2


@pytest.mark.parametrize("in_order", [True, False])
@given(st.lists(st.integers(0, 60), min_size=1, max_size=150), st.data())
@settings(max_examples=60, deadline=None)
def test_batches_change_nothing(in_order, instants, data):
    instants = np.array(sorted(instants) if in_order else instants)
    at_once, one_by_one, batches = TimeOrder(SIZES), TimeOrder(SIZES), TimeOrder(SIZES)
    at_once.extend(instants)
    for stop in range(1, len(instants) + 1):
        one_by_one.extend(instants[:stop])
    while batches.seen < len(instants):
        batches.extend(instants[: batches.seen + data.draw(st.integers(1, 60))])
    assert state(at_once) == state(one_by_one) == state(batches)
    parts = state(at_once)[0]
    assert sorted([*parts[0], *parts[1], *parts[2]]) == list(range(len(instants)))
    whole = parts[0] + parts[1]
    assert whole == sorted(whole, key=lambda position: (instants[position], position))
    assert len(parts[0]) % 4 == 0
