"""`evaluate_rankings`: every metric at every K in one pass over the posts, as a `MetricTable`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError, nearest, short_repr
from multimodal.evaluation.metrics.accuracy import ApNorm, Floats, Ints
from multimodal.evaluation.metrics.beyond_accuracy import RecommendedLists, Similarity, as_similarity, information
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS, DataMetric, HashtagMetric, ListMetric, MeanMetric
from multimodal.evaluation.metrics.chunks import chunks, map_chunks
from multimodal.evaluation.metrics.exact_means import ExactMean, mean_of
from multimodal.evaluation.metrics.label_wise import HashtagCounts, counts_per_hashtag
from multimodal.evaluation.metrics.outcomes import Outcomes, count_means, rank_means
from multimodal.evaluation.metrics.truth import (
    HashtagFacts,
    KnownHashtags,
    Truth,
    check_post_ids,
    check_rankings,
    hashtag_facts,
    hit_matrix,
)
from multimodal.ranking.rankings import Rankings

# Raised when a definition changes, so that figures of different definitions are not put side by side unnoticed.
DEFINITIONS_VERSION = 1
# Few enough for the lists of a chunk to stay in the processor's cache while they are compared again and again.
_POSTS_MATCHED_AT_ONCE = 1024


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


def evaluate_rankings(
    rankings: Rankings,
    truth: Sequence[Sequence[str]] | Truth,
    ks: Sequence[int],
    vocabulary: KnownHashtags,
    *,
    train_hashtags: Collection[str] | None = None,
    similarity: Any | None = None,
    ap_norm: ApNorm = "capped",
    user_ids: Sequence[str | None] | None = None,
    chunk_posts: int = 4096,
) -> MetricTable:
    """Compute all metrics at all cut-offs; see `docs/metrics.md` for the definitions.

    Posts without a true hashtag are left out and counted. The values at one K do not depend on the other Ks, on
    `chunk_posts` or on the order of the posts, to the last bit.

    Args:
        rankings: of N posts. A list shorter than K counts its missing ranks as misses, as does K above `rankings.k`.
        truth: the true hashtags of the same posts in the same order, also those outside the vocabulary.
        ks: cut-offs, each at least 1; repeats count once.
        train_hashtags: every hashtag of the train split, for `new_hashtag_recall`; by default the vocabulary's.
        similarity: for `redundancy`: (V, V) matrix or a function of two arrays of vocabulary numbers, see
            `cooccurrence_similarity`; without it the column is NaN.
        ap_norm: `capped` divides average precision by min(|G|, K), `relevant` by |G|.
        user_ids: whose each post is; kept for intervals and tests over users.

    Raises:
        UserError: an argument is of another type; a K or `chunk_posts` below 1, or an unknown `ap_norm`.
        DataError: the truth or the users are of another number of posts, no post has a true hashtag, or the ranking
            is not one (see `check_rankings`).
    """
    _check_types(rankings, truth, ks, vocabulary)
    cut_offs = _cut_offs(ks)
    if chunk_posts < 1:
        raise UserError(f"chunk_posts: {chunk_posts} is not a number of posts; give 1 or more.")
    if ap_norm not in get_args(ApNorm):
        raise UserError(f"ap_norm: unknown value {ap_norm!r}; accepted are {', '.join(get_args(ApNorm))}.")
    if not isinstance(truth, Truth):
        truth = Truth.from_hashtags(truth, rankings.names)
    rows = _check(rankings, truth, user_ids, chunk_posts)
    facts = hashtag_facts(truth.names, vocabulary, train_hashtags)
    indices, outcomes = _outcomes(rankings, truth, rows, facts, cut_offs, chunk_posts)
    kept = truth.counts.astype(bool).tolist()
    outcomes = replace(
        outcomes,
        ap_norm=ap_norm,
        post_ids=list(compress(rankings.post_ids, kept)),
        user_ids=None if user_ids is None else list(compress(user_ids, kept)),
    )
    alike = None if similarity is None else as_similarity(similarity, facts.vocabulary_size)
    means, stored = _post_means(indices, outcomes, facts, alike, chunk_posts)
    support = np.bincount(truth.indices, minlength=len(truth.names))
    of_hashtags = _hashtag_means(indices, outcomes, support, facts)
    counts = _counts(rankings, truth, outcomes)
    table = _table(means, of_hashtags, outcomes, counts)
    return MetricTable(table, replace(outcomes, stored=stored), counts)


def _check_types(rankings: object, truth: object, ks: object, vocabulary: object) -> None:
    if not isinstance(rankings, Rankings):
        raise UserError(
            f"rankings: {short_repr(rankings)} is not a Rankings; make one with Rankings.from_hashtags or "
            "read_predictions."
        )
    if not isinstance(truth, (Truth, Sequence)) or isinstance(truth, (str, bytes)):
        raise UserError(f"truth: {short_repr(truth)} is not a list of the true hashtags of each post.")
    if isinstance(ks, (str, bytes)) or not isinstance(ks, (Sequence, np.ndarray)):
        raise UserError(f"k: {short_repr(ks)} is not a list of whole numbers, such as [1, 5, 10]; parse_ks reads text.")
    if not hasattr(vocabulary, "hashtags") or not hasattr(vocabulary, "frequencies"):
        raise UserError(
            f"vocabulary: {short_repr(vocabulary)} has no hashtags with their frequencies; give a Vocabulary, such as "
            "that of PreparedData."
        )


def _cut_offs(ks: Sequence[int]) -> Ints:
    wrong = [k for k in ks if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1]
    if wrong or not len(ks):
        seen = repr(wrong[0]) if wrong else "none"
        raise UserError(f"k: {seen} is not a cut-off; give at least one whole number from 1 on.")
    return np.unique(np.asarray(ks, np.int64))


def _check(rankings: Rankings, truth: Truth, user_ids: Sequence[str | None] | None, chunk_posts: int) -> Ints:
    posts = len(rankings)
    if len(truth) != posts:
        raise DataError(
            f"{posts:,} ranked posts, but the true hashtags of {len(truth):,}; they must be the same posts."
        )
    if user_ids is not None and len(user_ids) != posts:
        raise DataError(f"{posts:,} ranked posts, but the users of {len(user_ids):,}; they must be the same posts.")
    if rankings.indices.shape != rankings.scores.shape or len(rankings.indices) != posts:
        shapes = f"{rankings.indices.shape} indices and {rankings.scores.shape} scores"
        raise DataError(f"{shapes} for {posts:,} posts; a ranking has one row per post in both.")
    check_post_ids(rankings.post_ids)
    # Steps as short as these do not get faster with several threads, which would wait for each other.
    for chunk in chunks(posts, chunk_posts, "Checking rankings"):
        check_rankings(rankings, chunk)
    rows = np.flatnonzero(truth.counts)
    if not len(rows):
        raise DataError(f"none of the {posts:,} posts has a true hashtag, so there is nothing to evaluate against.")
    return rows


def _outcomes(
    rankings: Rankings, truth: Truth, rows: Ints, facts: HashtagFacts, ks: Ints, chunk_posts: int
) -> tuple[NDArray[np.int32], Outcomes]:
    # Rank first, post second: each step over the ranks then reads contiguous memory.
    shape = (min(int(ks[-1]), rankings.k), len(rows))
    indices = np.empty(shape, np.int32)
    hits, known_hits, new_hits = (np.empty(shape, np.bool_) for _ in range(3))
    known_count, new_count = (np.empty(len(rows), np.int64) for _ in range(2))

    for here in chunks(len(rows), min(chunk_posts, _POSTS_MATCHED_AT_ONCE), "Matching hashtags"):
        whole = rows[here][-1] - rows[here][0] + 1 == len(rows[here])
        lists = slice(rows[here][0], rows[here][-1] + 1) if whole else rows[here]
        indices[:, here] = rankings.indices[lists, : shape[0]].T
        found = hits[:, here] = hit_matrix(indices[:, here], truth, rows[here])
        # Few ranks are hits: the others need not be looked up.
        hit = np.nonzero(found)
        right = indices[:, here][hit]
        for of_kind, flags in ((known_hits, facts.known), (new_hits, facts.new)):
            of_kind[:, here] = False
            of_kind[:, here][hit] = flags[right]
        # Posts left out have no true hashtag, so those of the others follow each other.
        starts = truth.offsets[rows[here]]
        true = truth.indices[starts[0] : truth.offsets[rows[here][-1] + 1]]
        for counts, flags in ((known_count, facts.known), (new_count, facts.new)):
            counts[here] = np.add.reduceat(flags[true], starts - starts[0], dtype=np.int64)

    outcomes = Outcomes(
        hits=hits.T,
        known_hits=known_hits.T,
        new_hits=new_hits.T,
        true_count=truth.counts[rows],
        known_count=known_count,
        new_count=new_count,
        length=np.count_nonzero(indices >= 0, axis=0),
        ks=ks,
    )
    return indices, outcomes


def _post_means(
    indices: NDArray[np.int32], outcomes: Outcomes, facts: HashtagFacts, alike: Similarity | None, chunk_posts: int
) -> tuple[dict[str, Floats], dict[str, NDArray[np.float32]]]:
    ks = outcomes.ks
    bits = information(facts.frequency, facts.total_frequency)[:-1]
    metrics = [metric for metric in METRICS.of(ListMetric) if alike is not None or not metric.needs_similarity]
    stored = {metric.name: np.empty((len(ks), len(outcomes)), np.float32).T for metric in metrics}

    def work(chunk: slice) -> dict[str, ExactMean]:
        listed, length = indices[:, chunk].T, outcomes.length[chunk]
        lists = RecommendedLists(listed, facts.number[listed], length, bits, alike or _nothing_alike)
        means: dict[str, ExactMean] = {}
        for metric in metrics:
            values = metric.function(lists, ks)
            means[metric.name] = mean_of(values)
            stored[metric.name][chunk] = values
        return means

    total = count_means(outcomes)
    for means in map_chunks(work, len(outcomes), chunk_posts, "Computing metrics"):
        for name, mean in means.items():
            total.setdefault(name, ExactMean()).merge(mean)
    return {**{name: mean.value for name, mean in total.items()}, **rank_means(outcomes)}, stored


def _nothing_alike(first: NDArray[np.int32], second: NDArray[np.int32]) -> Floats:
    return np.zeros(np.broadcast_shapes(first.shape, second.shape))


def _hashtag_means(
    indices: NDArray[np.int32], outcomes: Outcomes, support: Ints, facts: HashtagFacts
) -> dict[str, list[float]]:
    metrics = METRICS.of(HashtagMetric)
    columns: dict[str, list[float]] = {metric.name: [] for metric in metrics}
    for named, right in counts_per_hashtag(indices, outcomes.hits.T, outcomes.ks, len(support)):
        counts = HashtagCounts(named, right, support, facts.known[:-1], facts.vocabulary_size)
        for metric in metrics:
            columns[metric.name].append(metric.function(counts))
    return columns


def _table(
    means: dict[str, Floats], of_hashtags: dict[str, list[float]], outcomes: Outcomes, counts: dict[str, int]
) -> pd.DataFrame:
    table = pd.DataFrame({"k": outcomes.ks, **means, **of_hashtags})
    for metric in METRICS.of(MeanMetric):
        table[metric.name] = metric.function(*(means[part] for part in metric.parts))
    for ratio in METRICS.of(DataMetric):
        numerator, denominator = (getattr(outcomes, field).sum() for field in (ratio.numerator, ratio.denominator))
        table[ratio.name] = int(numerator) / int(denominator)
    table["posts"], table["posts_without_truth"] = counts["posts"], counts["posts_without_truth"]
    return table.reindex(columns=list(METRICS.columns))


def _counts(rankings: Rankings, truth: Truth, outcomes: Outcomes) -> dict[str, int]:
    return {
        "posts": len(outcomes),
        "posts_without_truth": len(rankings) - len(outcomes),
        "posts_with_known_truth": int(np.count_nonzero(outcomes.known_count)),
        "posts_with_new_truth": int(np.count_nonzero(outcomes.new_count)),
        "posts_with_an_empty_list": int(np.count_nonzero(outcomes.length == 0)),
        "posts_with_a_short_list": int(np.count_nonzero(outcomes.length < outcomes.hits.shape[1])),
        "true_hashtags": int(outcomes.true_count.sum()),
        "true_hashtags_in_vocabulary": int(outcomes.known_count.sum()),
        "true_hashtags_new": int(outcomes.new_count.sum()),
        "true_hashtags_repeated_and_ignored": truth.repeats,
    }
