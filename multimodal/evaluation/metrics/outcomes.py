"""`Outcomes`: what came of the ranking of each post. All per-post metrics follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints, hits_at
from multimodal.evaluation.metrics.catalogue import METRICS, CountMetric, Metric, RankMetric, Truths
from multimodal.evaluation.metrics.exact_means import (
    ExactMean,
    count_groups,
    count_hits_by_rank,
    mean_of,
    weighted_mean_of,
)
from multimodal.evaluation.metrics.ranked import ApNorm

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcomes:
    """Hits and counts of N posts that have a true hashtag, K places each.

    Attributes:
        hits: (N, K) the hashtag at this rank is true.
        known_hits: (N, K) and inside the vocabulary.
        new_hits: (N, K) and never seen in train.
        true_count: (N,) true hashtags, at least 1.
        known_count: (N,) of them inside the vocabulary.
        new_count: (N,) of them never seen in train.
        length: (N,) hashtags recommended.
    """

    hits: Bools
    known_hits: Bools
    new_hits: Bools
    true_count: Ints
    known_count: Ints
    new_count: Ints
    length: Ints

    def __len__(self) -> int:
        return len(self.hits)

    def part(self, posts: slice) -> Outcomes:
        """Return some of the posts."""
        return replace(self, **{name: values[posts] for name, values in vars(self).items()})

    def take(self, rows: Ints) -> Outcomes:
        """Return some of the posts, in the order of `rows`."""
        return replace(self, **{name: values.T[..., rows].T for name, values in vars(self).items()})

    def counted(self, truths: Truths) -> tuple[Bools, Ints]:
        """Return the hits (N, K) and the numbers of true hashtags (N,) of one kind."""
        return {
            "all": (self.hits, self.true_count),
            "known": (self.known_hits, self.known_count),
            "new": (self.new_hits, self.new_count),
        }[truths]

    def column(self, name: str, ks: Ints, ap_norm: ApNorm = "capped") -> Floats:
        """Return one metric, (N, n_k); NaN where a post has nothing to recall.

        Args:
            name: one of `METRICS.of_hits`.
            ks: (n_k,) cut-offs.
            ap_norm: what `map` divides by.
        """
        metric: Metric | None = METRICS.get(name)
        if isinstance(metric, RankMetric):
            return metric.function(self.hits, self.true_count, ks, ap_norm)
        if isinstance(metric, CountMetric):
            hits, true_count = self.counted(metric.truths)
            if not true_count.any():
                return np.full((len(ks), len(self)), np.nan).T
            return metric.function(hits_at(hits, ks), true_count, ks)
        raise KeyError(f"{name!r}; per-post metrics: {', '.join(METRICS.of_hits)}")


def count_means(outcomes: Outcomes, ks: Ints) -> dict[str, ExactMean]:
    """Return the mean of every `CountMetric` at every cut-off.

    Args:
        outcomes: of at least one post.
        ks: (n_k,) rising.
    """
    metrics = METRICS.of(CountMetric)
    groups = {truths: count_groups(*outcomes.counted(truths), ks) for truths in {metric.truths for metric in metrics}}
    means = {}
    for metric in metrics:
        group = groups[metric.truths]
        means[metric.name] = weighted_mean_of(metric.function(group.found, group.true_count, ks), group.posts)
    return means


def rank_means(outcomes: Outcomes, ks: Ints, ap_norm: ApNorm) -> dict[str, Floats]:
    """Return the mean of every `RankMetric`, (n_k,) each.

    Args:
        outcomes: of at least one post.
        ks: (n_k,) rising.
        ap_norm: what `map` divides by.
    """
    by_rank = count_hits_by_rank(outcomes.hits, outcomes.true_count)
    return {
        metric.name: mean_of(outcomes.column(metric.name, ks, ap_norm)).value
        if metric.mean is None
        else metric.mean(by_rank, ks, ap_norm)
        for metric in METRICS.of(RankMetric)
    }


class PerPost(Mapping[str, NDArray[np.float32]]):
    """Every per-post metric as a float32 array of shape (N, n_k), worked out from the hits when it is asked for.

    So a million posts at 30 cut-offs cost what their hits cost, and not 10 tables of 120 MB.

    Args:
        outcomes: of N posts.
        ks: the cut-offs, in the order of the columns.
        ap_norm: what `map` divides by.
        stored: further metrics that do not follow from the hits, float32 (N, n_k).
    """

    def __init__(
        self, outcomes: Outcomes, ks: Ints, ap_norm: ApNorm, stored: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self.outcomes = outcomes
        self.ks = ks
        self.ap_norm = ap_norm
        self.stored = dict(stored)

    @property
    def members(self) -> Sequence[PerPost]:
        """The runs that a value is averaged over: just this one."""
        return (self,)

    def take(self, rows: Ints, ks: Ints) -> PerPost:
        """Return some of the posts, in the order of `rows`, at some of the cut-offs."""
        places = np.searchsorted(self.ks, ks)
        stored = {name: values[np.ix_(rows, places)] for name, values in self.stored.items()}
        return PerPost(self.outcomes.take(rows), ks, self.ap_norm, stored)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        if name in self.stored:
            return self.stored[name]
        if name not in METRICS.of_hits:
            raise KeyError(f"{name!r}; per-post metrics: {', '.join(self)}")
        return self.outcomes.column(name, self.ks, self.ap_norm).astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        yield from METRICS.of_hits
        yield from self.stored

    def __len__(self) -> int:
        return len(METRICS.of_hits) + len(self.stored)


class PostResults(NamedTuple):
    """Whose each evaluated post is and what came of it: all that intervals and tests need."""

    post_ids: Sequence[str]
    user_ids: Sequence[str | None] | None
    per_post: PerPost
