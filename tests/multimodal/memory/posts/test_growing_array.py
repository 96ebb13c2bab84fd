"""Growing arrays: what one of several forks appends, no other sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.memory.posts.growing_array import GrowingArray


def filled(*values):
    array = GrowingArray(np.int64)
    array.extend(np.array(values, np.int64))
    return array


def test_rows_are_appended():
    array = GrowingArray(np.float32, 2)
    assert array.values.shape == (0, 2)
    for row in range(5):
        array.extend(np.full((1, 2), row))
    assert len(array) == 5
    assert array.values[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_room_follows_the_rows_however_often_a_fork_came_first():
    array = filled(0)
    for row in range(1, 100):
        array.fork().extend(np.array([-1]))
        array.extend(np.array([row]))
    assert array.values.tolist() == list(range(100))
    assert array._buffer.array.nbytes <= 2 * array.values.nbytes


@given(steps=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["extend", "fork", "release"])), max_size=50))
def test_forks_equal_copies_in_any_order(steps):
    arrays, copies, children = [filled(0)], [[0]], [[]]
    released = set()
    for value, (which, step) in enumerate(steps, start=1):
        which %= len(arrays)
        if which in released:
            continue
        if step == "fork":
            children[which].append(len(arrays))
            arrays.append(arrays[which].fork())
            copies.append(copies[which].copy())
            children.append([])
        elif step == "extend":
            arrays[which].extend(np.array([value]))
            copies[which].append(value)
        elif children[which]:
            child = children[which].pop()
            arrays[which].release(arrays[child])
            released.add(child)
        for number in set(range(len(arrays))) - released:
            assert arrays[number].values.tolist() == copies[number]


def test_the_room_of_a_released_fork_is_used_again():
    array = filled(*range(10))
    array.extend(np.array([10]))
    room = array.values.base
    for number in range(3):
        fork = array.fork()
        fork.extend(np.array([number]))
        assert fork.values.base is room
        array.release(fork)


def test_a_released_fork_refuses_every_use():
    array = filled(1)
    fork = array.fork()
    array.release(fork)
    for use in (lambda: fork.values, lambda: fork.extend(np.array([1])), fork.fork, lambda: array.release(fork)):
        with pytest.raises(ValueError, match="this fork was released; it cannot be used any longer"):
            use()
    assert array.values.tolist() == [1]


def test_rows_can_be_taken_back_without_a_change_for_forks():
    array = GrowingArray(np.int64)
    array.extend(np.arange(4))
    array.extend(np.arange(2))
    fork = array.fork()
    for _ in range(3):
        array.extend(np.array([7, 8]))
        array.truncate(6)
        assert array.values.tolist() == fork.values.tolist() == [0, 1, 2, 3, 0, 1]
    fork.extend(np.array([5]))
    array.extend(np.array([9]))
    assert (array.values.tolist()[-1], fork.values.tolist()[-1]) == (9, 5)
