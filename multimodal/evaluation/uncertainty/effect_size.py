"""Effect sizes: how far two systems are apart, in standard deviations of the posts' differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from multimodal.evaluation.metrics.accuracy import Floats
from multimodal.evaluation.metrics.catalogue import METRICS, MeanMetric
from multimodal.evaluation.metrics.chunks import chunks
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.uncertainty.ratios import base_columns, parts_of, terms

# Two statistics that are equal on paper differ by this much at most in floating point.
EQUAL = 1e-12
_CHUNK = 1024


def effect_sizes(
    a: Outcomes, b: Outcomes, columns: Sequence[str], difference: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return each metric's difference over the standard deviation of what the posts contribute to it.

    For a mean over posts this is Cohen's d of the paired differences. `f1` and other ratios have no value per post;
    there a post contributes the first-order change of the metric when the post is given a little more weight.

    Args:
        b: the other's, in the same order.
        difference: column → (n_k,) metric of a minus that of b.

    Returns:
        Column → (n_k,); 0 where there is no difference, infinite where all posts differ by the same.
    """
    bases, posts = base_columns(columns), len(a)
    sums_a, sums_b = _sums(a, bases), _sums(b, bases)
    squares = {column: np.zeros(len(a.ks)) for column in columns}
    for chunk in chunks(posts, _CHUNK, "Measuring effects"):
        first = _contributions(a, bases, columns, chunk, sums_a)
        second = _contributions(b, bases, columns, chunk, sums_b)
        for column in columns:
            squares[column] += ((first[column] - second[column]) ** 2).sum(axis=0)
    sizes = {}
    for column in columns:
        deviation = np.sqrt(squares[column] / max(posts - 1, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes[column] = np.where(np.abs(difference[column]) <= EQUAL, 0.0, difference[column] / deviation)
    return sizes


def _sums(outcomes: Outcomes, bases: Sequence[str]) -> Floats:
    parts = [terms(outcomes, bases, rows).sum(axis=0) for rows in chunks(len(outcomes), _CHUNK, "Adding up")]
    total: Floats = np.sum(parts, axis=0)
    return total


def _contributions(
    outcomes: Outcomes, bases: Sequence[str], columns: Sequence[str], posts: slice, sums: Floats
) -> dict[str, Floats]:
    shape = (2, len(bases), len(outcomes.ks))
    numerator, denominator = np.moveaxis(terms(outcomes, bases, posts).reshape(-1, *shape), 1, 0)
    numerator_sum, denominator_sum = sums.reshape(shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = numerator_sum / denominator_sum
        change = (numerator - value * denominator) * (len(outcomes) / denominator_sum)
    of_base = {base: change[:, i] for i, base in enumerate(bases)}
    found = {}
    for column in columns:
        metric, parts = METRICS[column], parts_of(column)
        changes = [of_base[part] for part in parts]
        if isinstance(metric, MeanMetric):
            found[column] = metric.change(*(value[bases.index(part)] for part in parts), *changes)
        else:
            found[column] = changes[0]
    return found
