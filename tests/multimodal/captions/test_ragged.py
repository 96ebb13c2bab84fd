"""Rows of different length, beside plain lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from multimodal.captions.ragged import Ragged

ROWS = st.lists(st.lists(st.integers(-5, 5), max_size=4), max_size=6)


@given(ROWS, st.data())
def test_rows_taken_are_those_of_the_lists(rows, data):
    ragged = Ragged.of(rows)
    asked = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8)) if rows else []
    taken = ragged.take(asked)
    expected = [rows[row] for row in asked]
    assert taken.values.tolist() == [value for row in expected for value in row]
    assert taken.lengths.tolist() == [len(row) for row in expected]
    assert [
        taken.values[start : start + len(row)].tolist() for start, row in zip(taken.starts, expected, strict=True)
    ] == expected


@given(ROWS, ROWS)
def test_joined_rows_stand_behind_each_other(rows, others):
    joined, expected = Ragged.joined([Ragged.of(rows), Ragged.of(others)]), Ragged.of([*rows, *others])
    np.testing.assert_array_equal(joined.values, expected.values)
    np.testing.assert_array_equal(joined.starts, expected.starts)
    assert len(joined) == len(rows) + len(others)
    assert len(Ragged.joined([])) == 0
