"""Ranks and shares of candidates in their post."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from multimodal.hybrid.relative_values import relative_to_best


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.0, 0.0, 0.5, 2.0])), max_size=30))
def test_as_a_loop_counts_them(pairs):
    pairs.sort(key=lambda pair: pair[0])
    rows = np.array([row for row, _ in pairs], np.int64)
    values = np.array([[value, -value] for _, value in pairs]).reshape(-1, 2)
    ranks, shares = relative_to_best(rows, values)
    for place, (row, _) in enumerate(pairs):
        for column, value in enumerate(values[place]):
            own = values[rows == row, column]
            assert ranks[place, column] == 1 + sum(other > value for other in own)
            assert shares[place, column] == (value / max(own) if max(own) > 0 else 0)
