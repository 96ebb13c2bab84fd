"""Every metric over posts as a ratio of two sums: what resampling and permuting posts need.

A mean over posts is sum of values / number of posts; `f1_micro` and `coverage_of_truth` are ratios of other sums;
`f1` combines the means of precision and recall. Sums over any reweighted set of posts then give the metric on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data_loaders.errors import UserError, nearest
from multimodal.evaluation.metrics.accuracy import Floats, hits_at
from multimodal.evaluation.metrics.beyond_accuracy import listed_at
from multimodal.evaluation.metrics.catalogue import METRICS, DataMetric, HashtagMetric, ListMetric, MeanMetric
from multimodal.evaluation.metrics.outcomes import Outcomes


def check_columns(columns: Sequence[str], outcomes: Outcomes) -> None:
    """Check that every column can be computed from these posts.

    Raises:
        UserError: it cannot.
    """
    absent = {metric.name for metric in METRICS.of(ListMetric)} - set(outcomes.stored)
    known = [name for name in METRICS.of_posts if name not in absent]
    for column in columns:
        if column not in known:
            raise UserError(
                f"metric {column!r} has no value per post here.{nearest(column, known)} Known: {', '.join(known)}."
            )


def base_columns(columns: Sequence[str]) -> list[str]:
    """Return the ratios that the columns are made of, each once: `f1` is made of precision and recall."""
    return list(dict.fromkeys(part for column in columns for part in parts_of(column)))


def parts_of(column: str) -> tuple[str, ...]:
    """Return the ratios that a column is made of, most often itself alone."""
    metric = METRICS[column]
    return metric.parts if isinstance(metric, MeanMetric) else (column,)


def terms(outcomes: Outcomes, bases: Sequence[str], posts: slice) -> Floats:
    """Return what each post adds to the numerators, then to the denominators, of all ratios.

    Returns:
        (n, 2 x ratios x n_k): numerators of the first ratio at each K, of the second…, then the denominators.
    """
    mean: Floats = np.mean([_terms(member, bases, posts) for member in outcomes.members], axis=0)
    return mean


def _terms(outcomes: Outcomes, bases: Sequence[str], posts: slice) -> Floats:
    outcomes = outcomes.part(posts)
    pairs = [_pair(outcomes, base) for base in bases]
    return np.concatenate([numerator for numerator, _ in pairs] + [denominator for _, denominator in pairs], axis=1)


def _pair(outcomes: Outcomes, base: str) -> tuple[Floats, Floats]:
    metric, ks = METRICS[base], outcomes.ks
    if isinstance(metric, HashtagMetric) and metric.sums is not None:
        return metric.sums(hits_at(outcomes.hits, ks), listed_at(outcomes.length, ks), outcomes.true_count)
    if isinstance(metric, DataMetric):
        shape = (len(outcomes), len(ks))
        counts = (getattr(outcomes, field)[:, None] for field in (metric.numerator, metric.denominator))
        numerator, denominator = (np.broadcast_to(count, shape).astype(np.float64) for count in counts)
        return numerator, denominator
    values = outcomes.column(base)
    counted = ~np.isnan(values)
    return np.where(counted, values, 0.0), counted.astype(np.float64)


def metrics_of(sums: Floats, bases: Sequence[str], columns: Sequence[str]) -> dict[str, Floats]:
    """Turn sums of `terms` into metrics.

    Args:
        sums: (…, 2 x ratios x n_k).

    Returns:
        Column → (…, n_k); NaN where nothing is summed.
    """
    numerators, denominators = np.split(sums, 2, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(denominators > 0, numerators / denominators, np.nan)
    ratios: Mapping[str, Floats] = dict(zip(bases, np.split(values, len(bases), axis=-1), strict=True))
    found = {}
    for column in columns:
        metric, parts = METRICS[column], [ratios[part] for part in parts_of(column)]
        found[column] = metric.function(*parts) if isinstance(metric, MeanMetric) else parts[0]
    return found
