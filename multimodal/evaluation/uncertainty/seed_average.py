"""Several seeds of one system as one system: every metric of a post averaged over the runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Ints
from multimodal.evaluation.metrics.outcomes import PerPost
from multimodal.evaluation.uncertainty.effect_size import per_post_values


class SeedAverage(PerPost):
    """Per-post metrics averaged over runs of one system on the same posts.

    Sums over posts are averaged over the runs before a metric is made of them: `f1` is that of the precision and
    recall averaged over seeds. For every mean over posts this is the mean of the seeds' own values.

    Args:
        members: the runs; the same posts in the same order, at the same cut-offs.
    """

    def __init__(self, members: Sequence[PerPost]) -> None:
        first = members[0]
        common = [name for name in first.stored if all(name in member.stored for member in members)]
        stored = {name: np.mean([member.stored[name] for member in members], axis=0) for name in common}
        super().__init__(first.outcomes, first.ks, first.ap_norm, stored)
        self._members = tuple(members)

    @property
    def members(self) -> Sequence[PerPost]:
        """The runs that a value is averaged over."""
        return self._members

    def take(self, rows: Ints, ks: Ints) -> SeedAverage:
        """Return some of the posts, in the order of `rows`, at some of the cut-offs."""
        return SeedAverage([member.take(rows, ks) for member in self._members])

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        if name not in set(self):
            raise KeyError(f"{name!r}; per-post metrics: {', '.join(self)}")
        return per_post_values(self, name, slice(None)).astype(np.float32)
