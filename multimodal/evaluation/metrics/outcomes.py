"""`Outcomes`: the hits of every evaluated post at some cut-offs. All values per post follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import ApNorm, Bools, Floats, Ints, hits_at
from multimodal.evaluation.metrics.catalogue import METRICS, CountMetric, Metric, RankMetric, Truths
from multimodal.evaluation.metrics.exact_means import (
    ExactMean,
    count_groups,
    count_hits_by_rank,
    mean_of,
    weighted_mean_of,
)

_ARRAYS = ("hits", "known_hits", "new_hits", "true_count", "known_count", "new_count", "length")


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Hits and counts of N posts that have a true hashtag, K ranks each; metrics are computed on demand.

    So a million posts at 30 cut-offs cost what their hits cost, and not 10 tables of 120 MB.

    Attributes:
        hits: (N, K) the hashtag at this rank is true.
        known_hits: (N, K) and inside the vocabulary.
        new_hits: (N, K) and never seen in train.
        true_count: (N,) true hashtags, at least 1.
        known_count: (N,) of them inside the vocabulary.
        new_count: (N,) of them never seen in train.
        length: (N,) hashtags recommended.
        ap_norm: what `map` divides by.
        stored: every `ListMetric` that was computed, float32 (N, n_k); it does not follow from the hits.
        post_ids: of the N posts; empty where they are not needed.
        user_ids: of the same posts, where known.
        runs: the runs of one system that values are averaged over; empty: just this one.
    """

    hits: Bools
    known_hits: Bools
    new_hits: Bools
    true_count: Ints
    known_count: Ints
    new_count: Ints
    length: Ints
    ks: Ints
    ap_norm: ApNorm = "capped"
    stored: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    post_ids: Sequence[str] = ()
    user_ids: Sequence[str | None] | None = None
    runs: tuple[Outcomes, ...] = ()

    def __len__(self) -> int:
        return len(self.hits)

    @property
    def members(self) -> tuple[Outcomes, ...]:
        """The runs that a value is averaged over, at least one."""
        return self.runs or (self,)

    @property
    def names(self) -> list[str]:
        """The metrics that have a value per post here."""
        return [*METRICS.of_hits, *self.stored]

    def part(self, posts: slice) -> Outcomes:
        """Return some consecutive posts."""
        return self._select(lambda values: values[posts], lambda ids: ids[posts])

    def take(self, rows: Ints) -> Outcomes:
        """Return some of the posts, in the order of `rows`."""
        chosen = rows.tolist()
        return self._select(lambda values: values.T[..., rows].T, lambda ids: [ids[row] for row in chosen])

    def at(self, ks: Ints) -> Outcomes:
        """Return the same posts at other cut-offs; stored metrics are kept where all these cut-offs are there."""
        columns = np.searchsorted(self.ks, ks)
        there = bool(np.isin(ks, self.ks).all())
        stored = {name: values[:, columns] for name, values in self.stored.items()} if there else {}
        return replace(self, ks=ks, stored=stored, runs=tuple(run.at(ks) for run in self.runs))

    def counted(self, truths: Truths) -> tuple[Bools, Ints]:
        """Return the hits (N, K) and the numbers of true hashtags (N,) of one kind."""
        return {
            "all": (self.hits, self.true_count),
            "known": (self.known_hits, self.known_count),
            "new": (self.new_hits, self.new_count),
        }[truths]

    def column(self, name: str) -> Floats:
        """Return one metric, (N, n_k); NaN where a post has nothing to recall.

        Raises:
            KeyError: there is no such metric per post here.
        """
        # Also of a single run, so that all have one memory layout and sums over them one order.
        mean: Floats = np.mean([run._column(name) for run in self.members], axis=0)
        return mean

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self.column(name).astype(np.float32)

    def _column(self, name: str) -> Floats:
        metric: Metric | None = METRICS.get(name)
        if name in self.stored:
            return self.stored[name].astype(np.float64)
        if isinstance(metric, RankMetric):
            return metric.function(self.hits, self.true_count, self.ks, self.ap_norm)
        if isinstance(metric, CountMetric):
            hits, true_count = self.counted(metric.truths)
            if not true_count.any():
                return np.full((len(self.ks), len(self)), np.nan).T
            return metric.function(hits_at(hits, self.ks), true_count, self.ks)
        raise KeyError(f"{name!r}; per-post metrics: {', '.join(self.names)}")

    def _select(
        self, of_values: Callable[[NDArray[Any]], NDArray[Any]], of_ids: Callable[[Sequence[Any]], Sequence[Any]]
    ) -> Outcomes:
        arrays: dict[str, Any] = {name: of_values(getattr(self, name)) for name in _ARRAYS}
        return replace(
            self,
            **arrays,
            stored={name: of_values(values) for name, values in self.stored.items()},
            post_ids=of_ids(self.post_ids) if self.post_ids else (),
            user_ids=None if self.user_ids is None else of_ids(self.user_ids),
            runs=tuple(run._select(of_values, of_ids) for run in self.runs),
        )


def count_means(outcomes: Outcomes) -> dict[str, ExactMean]:
    """Return the mean of every `CountMetric` over the posts, of which there is at least one, at every cut-off."""
    metrics, ks = METRICS.of(CountMetric), outcomes.ks
    groups = {truths: count_groups(*outcomes.counted(truths), ks) for truths in {metric.truths for metric in metrics}}
    means = {}
    for metric in metrics:
        group = groups[metric.truths]
        means[metric.name] = weighted_mean_of(metric.function(group.found, group.true_count, ks), group.posts)
    return means


def rank_means(outcomes: Outcomes) -> dict[str, Floats]:
    """Return the mean of every `RankMetric` over the posts, of which there is at least one, (n_k,) each."""
    by_rank = count_hits_by_rank(outcomes.hits, outcomes.true_count)
    return {
        metric.name: mean_of(outcomes.column(metric.name)).value
        if metric.mean is None
        else metric.mean(by_rank, outcomes.ks, outcomes.ap_norm)
        for metric in METRICS.of(RankMetric)
    }


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
