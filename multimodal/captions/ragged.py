"""`Ragged`: integer rows of different lengths in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ragged:
    """N rows, concatenated.

    Attributes:
        values: of all rows.
        lengths: (N,).
        starts: (N,) index into `values` of the start of each row.
    """

    values: Ints
    lengths: Ints
    starts: Ints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", np.cumsum(self.lengths) - self.lengths)

    @classmethod
    def of(cls, rows: Sequence[Sequence[int] | Ints]) -> Ragged:
        """Concatenate rows."""
        lengths = np.array([len(row) for row in rows], np.int64)
        joined = np.concatenate([np.asarray(row, np.int64) for row in rows]) if len(rows) else np.empty(0, np.int64)
        return cls(joined, lengths)

    @classmethod
    def joined(cls, parts: Sequence[Ragged]) -> Ragged:
        """Concatenate the rows of several."""
        empty = np.empty(0, np.int64)
        return cls(
            np.concatenate([empty, *(part.values for part in parts)]),
            np.concatenate([empty, *(part.lengths for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Sequence[int] | Ints) -> Ragged:
        """Return some rows in the given order, which may repeat rows."""
        chosen = np.asarray(rows, np.int64)
        lengths = self.lengths[chosen]
        ends = np.cumsum(lengths)
        index = np.repeat(self.starts[chosen] - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)
        return Ragged(self.values[index], lengths)
