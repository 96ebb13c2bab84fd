"""Rows of caption terms, in a file or not."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from multimodal.memory.posts.term_rows import TermRows

ROWS = sparse.csr_matrix(np.array([[0, 2, 0], [1, 0, 3], [0, 0, 0], [4, 4, 0]], np.float32))


def test_rows_come_back_by_position_whether_they_were_saved_before_or_not():
    first = TermRows(3)
    first.extend(ROWS[:2])
    rows = TermRows(3, first.arrays())
    rows.extend(ROWS[2:])
    assert len(rows) == 4
    assert rows.matrix.toarray().tolist() == ROWS.toarray().tolist()
    positions = np.array([3, 0, 2, 3])
    assert rows.at(positions).toarray().tolist() == ROWS[positions].toarray().tolist()
    assert rows.at(positions).dtype == np.float32
    assert rows.at(np.empty(0, np.int64)).shape == (0, 3)


def test_rows_can_be_taken_back_also_half_of_one():
    rows = TermRows(3)
    rows.extend(ROWS[:2])
    rows._slots.extend(np.array([1], np.int32))
    rows.truncate(2)
    rows.extend(ROWS[3:])
    assert rows.matrix.toarray().tolist() == ROWS[[0, 1, 3]].toarray().tolist()
