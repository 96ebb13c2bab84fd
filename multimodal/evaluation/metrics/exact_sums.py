"""Means that do not depend on the order of posts, nor on how they were cut into chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rounded to multiples of 2^-36, at most 4,096 values below 32 add up without any rounding in a double (53 bits).
# The error of a mean is below 2^-37, about 7e-12.
_FRACTION_BITS = 36
_BLOCK = 4096
_ROUNDER = 1.5 * 2.0 ** (52 - _FRACTION_BITS)


class ExactMean:
    """Column means of rows that arrive in any order and any grouping: always the same number, to the last bit.

    NaN marks a row that a column does not count.
    """

    def __init__(self) -> None:
        self._total: NDArray[Any] | None = None
        self._rows: NDArray[np.int64] | None = None

    def add(self, values: NDArray[np.float64]) -> None:
        """Add rows.

        Args:
            values: (N, n_k), between -32 and 32, or NaN.
        """
        if self._total is None or self._rows is None:
            self._total = np.array([0] * values.shape[1], dtype=object)
            self._rows = np.zeros(values.shape[1], np.int64)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            rounded = block + _ROUNDER
            rounded -= _ROUNDER
            total, absent = rounded.sum(axis=0), 0
            if np.isnan(total).any():
                missing = np.isnan(rounded)
                rounded[missing] = 0.0
                total, absent = rounded.sum(axis=0), np.count_nonzero(missing, axis=0)
            self._rows += len(block) - absent
            self._total += (total * 2.0**_FRACTION_BITS).astype(np.int64).astype(object)

    def add_weighted(self, values: NDArray[np.float64], weights: NDArray[np.int64]) -> None:
        """Add rows that stand for several equal ones: the same as `add` of each of them.

        Args:
            values: (M, n_k) or (M, 1), between -32 and 32, or NaN.
            weights: (M, n_k) how many rows each value stands for; the sum over M at most 2^21.
        """
        rounded = values + _ROUNDER
        rounded -= _ROUNDER
        present = ~np.isnan(rounded)
        whole = np.where(present, rounded * 2.0**_FRACTION_BITS, 0.0).astype(np.int64)
        total, rows = (whole * weights).sum(axis=0).astype(object), (present * weights).sum(axis=0)
        self._total = total if self._total is None else self._total + total
        self._rows = rows if self._rows is None else self._rows + rows

    def merge(self, other: ExactMean) -> None:
        """Add the rows of another mean of the same columns."""
        if self._total is None or self._rows is None:
            self._total, self._rows = other._total, other._rows
        elif other._total is not None and other._rows is not None:
            self._total = self._total + other._total
            self._rows = self._rows + other._rows

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows counted per column."""
        return np.zeros(0, np.int64) if self._rows is None else self._rows

    @property
    def value(self) -> NDArray[np.float64]:
        """The means; NaN for a column without a row."""
        if self._total is None:
            return np.zeros(0)
        pairs = zip(self._total, self.rows, strict=True)
        return np.array([total / (int(n) << _FRACTION_BITS) if n else np.nan for total, n in pairs], np.float64)


def mean_of(values: NDArray[np.float64]) -> ExactMean:
    """Return the column means of some rows."""
    mean = ExactMean()
    mean.add(values)
    return mean


def weighted_mean_of(values: NDArray[np.float64], weights: NDArray[np.int64]) -> ExactMean:
    """Return the column means of rows that stand for several each."""
    mean = ExactMean()
    mean.add_weighted(values, weights)
    return mean
