"""`MetricTable`: every metric at every K, and the outcomes of the posts it was computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_loaders.errors import UserError, nearest
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.evaluation.metrics.outcomes import Outcomes

# Raised when a definition changes, so that figures of different definitions are not put side by side unnoticed.
DEFINITIONS_VERSION = 1


@dataclass(frozen=True, eq=False)
class MetricTable:
    """Every metric at every K.

    Attributes:
        table: one row per K, the columns of `METRICS.columns`; NaN where a metric is not defined or was not asked for.
        outcomes: of the evaluated posts.
        counts: how many posts, hashtags and ranks were evaluated, left out or empty.
    """

    table: pd.DataFrame
    outcomes: Outcomes
    counts: dict[str, int]

    @property
    def ks(self) -> list[int]:
        """The cut-offs, rising."""
        return [int(k) for k in self.table["k"]]

    def at(self, k: int) -> dict[str, float]:
        """Return the row of one K.

        Raises:
            UserError: the sweep did not visit it.
        """
        rows = self.table[self.table["k"] == k]
        if rows.empty:
            raise UserError(f"K = {k} is not part of this evaluation; it holds {', '.join(map(str, self.ks))}.")
        return {str(name): float(value) for name, value in rows.iloc[0].items()}

    def best_k(self, column: str = BEST_BY) -> int:
        """Return the K with the highest value of `column`, the smallest of equals.

        Raises:
            UserError: no such column, or it has no value at any K.
        """
        if column not in self.table:
            raise UserError(f"unknown metric {column!r}.{nearest(column, METRICS)} Known: {', '.join(METRICS)}.")
        values = self.table[column].to_numpy(np.float64)
        if np.isnan(values).all():
            raise UserError(f"{column} has no value at any K of this evaluation, so it cannot choose a best K.")
        return self.ks[int(np.nanargmax(values))]
