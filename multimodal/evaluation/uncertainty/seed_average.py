"""Several seeds of one system as one system: every metric of a post averaged over the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from multimodal.evaluation.metrics.outcomes import Outcomes


def average_over_seeds(members: Sequence[Outcomes]) -> Outcomes:
    """Return runs of one system on the same posts as one system.

    Sums over posts are averaged over the runs before a metric is made of them: `f1` is that of the precision and
    recall averaged over seeds. For every mean over posts this is the mean of the seeds' own values.

    Args:
        members: the runs; the same posts in the same order, at the same cut-offs.
    """
    first = members[0]
    common = [name for name in first.stored if all(name in member.stored for member in members)]
    stored = {name: np.mean([member.stored[name] for member in members], axis=0) for name in common}
    return replace(first, stored=stored, runs=tuple(members))
