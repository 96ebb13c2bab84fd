"""The catalogue of metrics: a metric is named here and nowhere else.

Columns of files, headings of tables, what can be resampled and what can be compared all follow from `METRICS`. To add a
metric, write its function and an entry here. An entry is of one of six kinds, by what a value at K follows from:

- `CountMetric`: how many hits and how many true hashtags a post has;
- `RankMetric`: the ranks of a post's hits;
- `ListMetric`: the recommended hashtags of a post, right or wrong;
- `HashtagMetric`: how often each hashtag is recommended and true, over all posts;
- `MeanMetric`: the means of other metrics;
- `DataMetric`: the truth alone, so that it is the same for every System.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from multimodal.evaluation.metrics import accuracy, exact_means
from multimodal.evaluation.metrics.accuracy import ApNorm, Bools, Floats, Ints
from multimodal.evaluation.metrics.beyond_accuracy import RecommendedLists, catalogue_coverage, novelty, redundancy
from multimodal.evaluation.metrics.exact_means import HitsByRank
from multimodal.evaluation.metrics.label_wise import HashtagCounts, f1_macro_label, f1_micro, f1_micro_sums

# Which true hashtags a metric is about: all, those inside the vocabulary, those never seen in train.
Truths = Literal["all", "known", "new"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What every metric has.

    Attributes:
        name: column of `metrics.csv`.
        short: heading where there is little room; by default the label.
        counterpart: the metric that posts are compared by one at a time where this one has no value per post.
    """

    name: str
    label: str
    short: str = ""
    headline: bool = False
    counterpart: str = ""

    @property
    def heading(self) -> str:
        """The shortest heading there is."""
        return self.short or self.label


@dataclass(frozen=True, kw_only=True)
class CountMetric(Metric):
    """A metric of how many hits and true hashtags a post has.

    Attributes:
        function: of hits among the first K (N, n_k), true hashtags (N,) and the cut-offs (n_k,); returns (N, n_k).
        truths: which true hashtags are counted; NaN for a post that has none of them.
    """

    function: Callable[[Floats, Ints, Ints], Floats]
    truths: Truths = "all"


@dataclass(frozen=True, kw_only=True)
class RankMetric(Metric):
    """A metric of the ranks of a post's hits.

    Attributes:
        function: of hits (N, K), true hashtags (N,), the cut-offs (n_k,) and what `map` divides by; returns (N, n_k).
        mean: of all posts at once, (n_k,); None: the mean of the values.
    """

    function: Callable[[Bools, Ints, Ints, ApNorm], Floats]
    mean: Callable[[HitsByRank, Ints, ApNorm], Floats] | None = None


@dataclass(frozen=True, kw_only=True)
class ListMetric(Metric):
    """A metric of the recommended hashtags; its values per post are saved, for they do not follow from the hits.

    Attributes:
        function: of the lists of N posts and the cut-offs; returns (N, n_k), NaN where it is not defined.
        needs_similarity: left out where no similarity of hashtags is given.
    """

    function: Callable[[RecommendedLists, Ints], Floats]
    needs_similarity: bool = False


@dataclass(frozen=True, kw_only=True)
class HashtagMetric(Metric):
    """A metric of hashtags, pooled over all posts.

    Attributes:
        function: of the counts at one K.
        sums: for a ratio of two sums over posts: of hits (N, n_k), hashtags among the first K (N, n_k) and true
            hashtags (N,); returns what each post adds to both, (N, n_k) each. None: it cannot be resampled.
    """

    function: Callable[[HashtagCounts], float]
    sums: Callable[[Floats, Floats, Ints], tuple[Floats, Floats]] | None = None


@dataclass(frozen=True, kw_only=True)
class MeanMetric(Metric):
    """A metric of the means of other metrics.

    Attributes:
        parts: their names; metrics with a value per post.
        function: of their means, any shape.
        change: of their means, then of small changes of each: the change of this one, to first order.
    """

    parts: tuple[str, ...]
    function: Callable[..., Floats]
    change: Callable[..., Floats]


@dataclass(frozen=True, kw_only=True)
class DataMetric(Metric):
    """A ratio of two counts of true hashtags; the same for every System."""

    numerator: str
    denominator: str


Kind = TypeVar("Kind", bound=Metric)


class Catalogue(dict[str, Metric]):
    """Metrics by name, in the order of the columns of `metrics.csv`."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        super().__init__((metric.name, metric) for metric in metrics)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the metrics of one kind."""
        return [metric for metric in self.values() if isinstance(metric, kind)]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `metrics.csv`."""
        return ("k", *self, "posts", "posts_without_truth")

    @property
    def headline(self) -> tuple[str, ...]:
        """The names of the metrics in the main tables."""
        return tuple(name for name, metric in self.items() if metric.headline)

    @property
    def headline_sets(self) -> tuple[str, ...]:
        """Those of them that do not depend on the order of the list."""
        return tuple(name for name in self.headline if not isinstance(self[name], RankMetric))

    @property
    def of_hits(self) -> tuple[str, ...]:
        """The names of the metrics that have a value per post and follow from the hits."""
        return tuple(name for name, metric in self.items() if isinstance(metric, (CountMetric, RankMetric)))

    @property
    def of_posts(self) -> tuple[str, ...]:
        """The names of the metrics that can be resampled: ratios of sums over posts, and what is made of them."""
        return tuple(
            name for name, metric in self.items() if not isinstance(metric, HashtagMetric) or metric.sums is not None
        )

    def label(self, name: str) -> str:
        """Return the heading of a column; its name where it is not a metric."""
        return self[name].label if name in self else name


# The metric that the best K is chosen by.
BEST_BY = "f1"

METRICS = Catalogue(
    [
        CountMetric(
            name="hit_rate", label="Hit rate", short="HR", headline=True,
            function=lambda found, true, ks: accuracy.hit_rate(found),
        ),
        CountMetric(
            name="precision", label="Precision", short="P", headline=True,
            function=lambda found, true, ks: accuracy.precision(found, ks),
        ),
        CountMetric(
            name="recall", label="Recall", short="R", headline=True,
            function=lambda found, true, ks: accuracy.recall(found, true),
        ),
        MeanMetric(
            name="f1", label="F1", headline=True, counterpart="f1_per_post",
            parts=("precision", "recall"), function=accuracy.f1_of_means, change=accuracy.f1_change,
        ),
        CountMetric(name="f1_per_post", label="F1 per post", function=accuracy.f1_per_post),
        HashtagMetric(
            name="f1_micro", label="F1 micro", short="micro F1", counterpart="f1_per_post",
            function=lambda counts: f1_micro(counts.named, counts.right, counts.support), sums=f1_micro_sums,
        ),
        HashtagMetric(
            name="f1_macro_label", label="F1 macro by hashtag", short="macro F1",
            function=lambda counts: f1_macro_label(counts.named, counts.right, counts.support),
        ),
        CountMetric(name="recall_capped", label="Recall capped", function=accuracy.recall_capped),
        CountMetric(
            name="recall_known", label="Recall, known", truths="known",
            function=lambda found, true, ks: accuracy.recall(found, true),
        ),
        DataMetric(
            name="coverage_of_truth", label="Coverage of the truth", numerator="known_count", denominator="true_count",
        ),
        RankMetric(
            name="ndcg", label="NDCG", headline=True,
            function=lambda hits, true, ks, norm: accuracy.ndcg(hits, true, ks),
            mean=lambda counts, ks, norm: exact_means.mean_ndcg(counts, ks),
        ),
        RankMetric(
            name="map", label="MAP", headline=True,
            function=accuracy.average_precision, mean=exact_means.mean_average_precision,
        ),
        RankMetric(
            name="mrr", label="MRR",
            function=lambda hits, true, ks, norm: accuracy.reciprocal_rank(hits, ks),
            mean=lambda counts, ks, norm: exact_means.mean_reciprocal_rank(counts, ks),
        ),
        HashtagMetric(
            name="catalogue_coverage", label="Catalogue coverage",
            function=lambda counts: catalogue_coverage(counts.named, counts.known, counts.vocabulary_size),
        ),
        ListMetric(
            name="novelty", label="Novelty (bits)",
            function=lambda lists, ks: novelty(lists.indices, lists.length, lists.bits, ks),
        ),
        ListMetric(
            name="redundancy", label="Redundancy", needs_similarity=True,
            function=lambda lists, ks: redundancy(lists.numbers, lists.length, lists.similarity, ks),
        ),
        CountMetric(
            name="new_hashtag_recall", label="Recall, new", short="new-tag recall", truths="new",
            function=lambda found, true, ks: accuracy.recall(found, true),
        ),
    ]
)  # fmt: skip
