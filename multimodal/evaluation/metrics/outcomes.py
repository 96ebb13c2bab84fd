"""`Outcomes`: what came of the ranking of each post. All per-post metrics follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import (
    Floats,
    Ints,
    f1_per_post,
    hit_rate,
    hits_at,
    precision,
    recall,
    recall_capped,
)
from multimodal.evaluation.metrics.ranked import ApNorm, average_precision, ndcg, reciprocal_rank

Bools = NDArray[np.bool_]
PER_POST_COLUMNS = (
    "hit_rate",
    "precision",
    "recall",
    "f1_per_post",
    "recall_capped",
    "recall_known",
    "ndcg",
    "map",
    "mrr",
    "new_hashtag_recall",
)


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

    def column(self, name: str, ks: Ints, ap_norm: ApNorm = "capped") -> Floats:
        """Return one metric, (N, n_k); NaN where a post has nothing to recall.

        Args:
            name: one of `PER_POST_COLUMNS`.
            ks: (n_k,) cut-offs.
            ap_norm: what `map` divides by.
        """
        if name == "ndcg":
            return ndcg(self.hits, self.true_count, ks)
        if name == "map":
            return average_precision(self.hits, self.true_count, ks, ap_norm)
        if name == "mrr":
            return reciprocal_rank(self.hits, ks)
        if name == "recall_known":
            return recall(hits_at(self.known_hits, ks), self.known_count)
        if name == "new_hashtag_recall":
            if not self.new_count.any():
                return np.full((len(ks), len(self)), np.nan).T
            return recall(hits_at(self.new_hits, ks), self.new_count)
        return self._of_set(name, hits_at(self.hits, ks), ks)

    def columns(self, ks: Ints, ap_norm: ApNorm = "capped") -> Iterator[tuple[str, Floats]]:
        """Yield every metric with its name; the hits are counted once."""
        found = hits_at(self.hits, ks)
        for name in PER_POST_COLUMNS:
            of_set = name in {"hit_rate", "precision", "recall", "f1_per_post", "recall_capped"}
            yield name, self._of_set(name, found, ks) if of_set else self.column(name, ks, ap_norm)

    def _of_set(self, name: str, found: Floats, ks: Ints) -> Floats:
        if name == "hit_rate":
            return hit_rate(found)
        if name == "precision":
            return precision(found, ks)
        if name == "recall":
            return recall(found, self.true_count)
        if name == "f1_per_post":
            return f1_per_post(found, self.true_count, ks)
        if name == "recall_capped":
            return recall_capped(found, self.true_count, ks)
        raise KeyError(f"{name!r}; per-post metrics: {', '.join(PER_POST_COLUMNS)}")


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
        if name not in PER_POST_COLUMNS:
            raise KeyError(f"{name!r}; per-post metrics: {', '.join(self)}")
        return self.outcomes.column(name, self.ks, self.ap_norm).astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        yield from PER_POST_COLUMNS
        yield from self.stored

    def __len__(self) -> int:
        return len(PER_POST_COLUMNS) + len(self.stored)


class PostResults(NamedTuple):
    """Whose each evaluated post is and what came of it: all that intervals and tests need."""

    post_ids: Sequence[str]
    user_ids: Sequence[str | None] | None
    per_post: PerPost
