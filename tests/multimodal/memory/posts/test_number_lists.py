"""Lists of numbers by position."""

from __future__ import annotations

import numpy as np

from multimodal.memory.posts.number_lists import NumberLists


def test_lists_come_back_as_they_were_given():
    lists = NumberLists()
    lists.extend([[3, 1], [], [2]])
    lists.extend_flat(np.array([7, 8]), np.array([0, 2]))
    assert [lists.of(position).tolist() for position in range(5)] == [[3, 1], [], [2], [], [7, 8]]
    assert lists.table(np.array([[4, -1], [2, 1]])).tolist() == [[[7, 8], [-1, -1]], [[2, -1], [-1, -1]]]
    posts, hashtags = lists.pairs(np.array([-1, 4, 1, 0]))
    assert (posts.tolist(), hashtags.tolist()) == ([1, 1, 3, 3], [7, 8, 3, 1])
    assert lists.sizes(np.array([4, 1, 0, 2, 0])).tolist() == [2, 0, 2, 1, 2]


def test_without_any_list_all_is_padding():
    lists = NumberLists()
    assert lists.table(np.array([[-1, -1]])).tolist() == [[[-1], [-1]]]
    assert [part.tolist() for part in lists.pairs(np.array([-1]))] == [[], []]
    assert lists.sizes(np.empty(0, np.int64)).tolist() == []


def test_lists_can_be_taken_back():
    lists = NumberLists()
    lists.extend([[3, 1], [5]])
    fork = lists.fork()
    fork.extend([[9]])
    fork.truncate(1)
    lists.extend([[2]])
    assert (len(fork), len(lists)) == (1, 3)
    assert lists.numbers.tolist() == [3, 1, 5, 2]
