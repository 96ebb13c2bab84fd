"""Columns: rows in a base and behind it, gathered by position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.memory.posts.column import Column, entries_of


def rows(numbers):
    return np.array([[number, -number] for number in numbers], np.float32).reshape(-1, 2)


@given(base=st.integers(0, 6), tail=st.integers(0, 6), data=st.data())
def test_rows_of_base_and_tail_are_gathered(base, tail, data):
    column = Column(np.float32, 2, rows(range(base)))
    column.extend(rows(range(base, base + tail)))
    assert len(column) == base + tail
    assert column.values.tolist() == rows(range(base + tail)).tolist()
    positions = data.draw(st.lists(st.integers(0, base + tail - 1), max_size=9)) if base + tail else []
    assert column.at(np.array(positions, np.int64)).tolist() == rows(positions).tolist()


def test_a_fork_and_the_column_grow_unseen_by_each_other_and_share_the_base():
    base = rows(range(3))
    column = Column(np.float32, 2, base)
    column.extend(rows([3]))
    fork = column.fork()
    fork.extend(rows([50, 51]))
    column.extend(rows([4]))
    assert column.values[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert fork.values[:, 0].tolist() == [0, 1, 2, 3, 50, 51]
    fork.truncate(4)
    assert fork.values[:, 0].tolist() == [0, 1, 2, 3]
    column.release(fork)
    with pytest.raises(ValueError, match="this fork was released"):
        fork.extend(rows([1]))
    assert Column(np.float32, 2, base).values is base


def test_rows_of_half_precision_come_in_the_type_of_the_column():
    column = Column(np.float32, 2, rows(range(3)).astype(np.float16))
    assert column.at(np.array([2, 0])).dtype == np.float32
    assert column.at(np.array([2, 0])).tolist() == rows([2, 0]).tolist()


def test_what_is_gathered_is_a_copy():
    column = Column(np.float32, 2, rows(range(3)))
    column.at(np.array([1]))[:] = 9
    assert column.values[1].tolist() == [1, -1]


def test_entries_of_rows():
    counts, entries = entries_of(np.array([2, 2, 5]), np.array([2, 0, 1, 2]))
    assert counts.tolist() == [3, 2, 0, 3]
    assert entries.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert [part.tolist() for part in entries_of(np.empty(0, np.int64), np.empty(0, np.int64))] == [[], []]
