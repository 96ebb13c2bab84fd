"""Is one system better than another? Paired randomisation tests on the same posts, effect sizes, wins and losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.catalogue import METRICS, DataMetric, MeanMetric
from multimodal.evaluation.metrics.chunks import chunks
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.uncertainty.ratios import base_columns, check_columns, metrics_of, parts_of, terms
from multimodal.evaluation.uncertainty.resampling import Unit, check_count, draw_signs, unit_terms, weighted_sums

# Two statistics that are equal on paper differ by this much at most in floating point.
EQUAL = 1e-12
_CHUNK = 1024
# So many swaps that are as far apart give p within a third of its size.
_ENOUGH = 10


@dataclass(frozen=True)
class _Swapped:
    """Swaps at least as far apart as the systems are, and swaps drawn: column → (n_k,); whether these are all."""

    as_far: dict[str, Ints]
    drawn: dict[str, Ints]
    exact: bool

    def p(self, column: str) -> Floats:
        extra = 0 if self.exact else 1
        return (extra + self.as_far[column]) / (extra + self.drawn[column])


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


def paired_test(
    a: Outcomes,
    b: Outcomes,
    columns: Sequence[str] = METRICS.headline,
    *,
    unit: Unit = "posts",
    permutations: int = 10_000,
    most: int = 0,
    at: Sequence[int] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Test whether two systems differ, by swapping their results on posts, or on all posts of a user, at random.

    The statistic is the difference of the metric itself: for `f1`, the difference of the two F1 of mean precision
    and mean recall after swapping. Two-sided; p = (1 + permutations at least as far apart) / (1 + permutations), or
    the exact share where all swaps can be gone through. Where fewer than 10 permutations are as far apart, further ones
    are drawn until there are 10, or `most` permutations in all (Besag & Clifford, 10.1093/biomet/78.2.301).

    Args:
        b: the other's, the same posts in any order.
        columns: metrics of posts, see `METRICS.of_posts`.
        unit: what is swapped at once. Posts of one user are alike: where users wrote many, take `users`.
        permutations: drawn at once.
        most: drawn for a p-value in all, if more.
        at: cut-offs that further permutations are drawn for; by default all.

    Returns:
        One row per column and K that both have: k, metric, a, b, difference, p, effect_size, wins, ties, losses, swaps
        (behind p).
        The effect size is the difference over the standard deviation of the posts' differences (for `f1` and other
        ratios: of their linearised differences); wins are posts on which `a` is better.

    Raises:
        DataError: the posts or their truths are not the same.
        UserError: no K in common, different `ap_norm`, an unknown column or unit, or no permutations.
    """
    a, b = aligned(a, b)
    for outcomes in (a, b):
        check_columns(columns, outcomes)
    check_count("permutations", permutations)
    values_a, values_b, swapped = _permute(a, b, columns, unit, permutations, seed)
    wanted = np.isin(a.ks, a.ks if at is None else at)
    swapped = _continue(swapped, a, b, columns, unit, permutations, most, wanted, seed)
    differences = {column: values_a[column] - values_b[column] for column in columns}
    effects = effect_sizes(a, b, columns, differences)
    parts = []
    for column in columns:
        wins, ties, losses = win_tie_loss(a, b, METRICS[column].counterpart or column)
        rows = {
            "k": a.ks,
            "metric": column,
            "a": values_a[column],
            "b": values_b[column],
            "difference": differences[column],
            "p": np.where(np.isnan(differences[column]), np.nan, swapped.p(column)),
            "effect_size": effects[column],
            "wins": wins,
            "ties": ties,
            "losses": losses,
            "swaps": swapped.drawn[column],
        }
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


def _permute(
    a: Outcomes, b: Outcomes, columns: Sequence[str], unit: Unit, permutations: int, seed: int, part: int = 0
) -> tuple[dict[str, Floats], dict[str, Floats], _Swapped]:
    """Return both systems' metrics, each column → (n_k,), and how many swaps leave them as far apart."""
    bases = base_columns(columns)
    width = 2 * len(bases) * len(a.ks)

    def of_posts(chunk: slice) -> Floats:
        first, second = terms(a, bases, chunk), terms(b, bases, chunk)
        return np.concatenate([first + second, first - second], axis=1)

    of_units, units = unit_terms(of_posts, len(a), a.user_ids, unit)
    signs, exact = draw_signs(units, permutations, seed, part)
    once = weighted_sums(lambda chunk: np.ones((1, chunk.stop - chunk.start)), of_units, units, "Adding up")
    swapped = weighted_sums(signs, lambda chunk: of_units(chunk)[:, width:], units, "Swapping at random")
    both, apart = once[:, :width], once[:, width:]

    def metrics(signed: Floats) -> dict[str, Floats]:
        # A system's sums are half of (sum of both + signed sum of the differences).
        return metrics_of((both + signed) / 2, bases, columns)

    values_a, values_b = ({name: value[0] for name, value in metrics(sign * apart).items()} for sign in (1, -1))
    swapped_a, swapped_b = metrics(swapped), metrics(-swapped)
    as_far = {name: _as_far(swapped_a[name] - swapped_b[name], values_a[name] - values_b[name]) for name in columns}
    drawn = {name: np.full(len(a.ks), len(swapped), np.int64) for name in columns}
    return values_a, values_b, _Swapped(as_far, drawn, exact)


def _continue(
    swapped: _Swapped,
    a: Outcomes,
    b: Outcomes,
    columns: Sequence[str],
    unit: Unit,
    permutations: int,
    most: int,
    wanted: NDArray[np.bool_],
    seed: int,
) -> _Swapped:
    """Draw further swaps for the p-values that few swaps are behind."""
    if swapped.exact:
        return swapped
    for part in range(1, max(most, permutations) // permutations):
        open_at = {name: wanted & (swapped.as_far[name] < _ENOUGH) for name in columns}
        ks = a.ks[np.any(list(open_at.values()), axis=0)]
        if not len(ks):
            break
        of_ks = np.searchsorted(a.ks, ks)
        *_, further = _permute(a.at(ks), b.at(ks), columns, unit, permutations, seed, part)
        for name in columns:
            still = open_at[name][of_ks]
            swapped.as_far[name][of_ks[still]] += further.as_far[name][still]
            swapped.drawn[name][of_ks[still]] += further.drawn[name][still]
    return swapped


def compare_systems(
    systems: Mapping[str, Outcomes],
    columns: Sequence[str] = METRICS.headline,
    *,
    against: str | None = None,
    unit: Unit = "posts",
    permutations: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Test every pair of systems, or every system against one, and correct for their number (Holm).

    Args:
        against: the one to test all others against; by default all pairs are tested.

    Returns:
        The rows of `paired_test` with system_a, system_b in front and p_holm, corrected over the pairs of the same
        metric and K, at the end.

    Raises:
        UserError: fewer than two systems, or `against` is none of them; and what `paired_test` raises.
    """
    if len(systems) < 2:
        raise UserError(f"{len(systems)} system cannot be compared; give at least two.")
    if against is not None and against not in systems:
        raise UserError(f"against: {against!r} is not one of the systems {', '.join(systems)}.")
    pairs = list(combinations(systems, 2))
    if against is not None:
        pairs = [(name, against) for name in systems if name != against]
    parts = []
    for name_a, name_b in pairs:
        rows = paired_test(systems[name_a], systems[name_b], columns, unit=unit, permutations=permutations, seed=seed)
        rows.insert(0, "system_a", name_a)
        rows.insert(1, "system_b", name_b)
        parts.append(rows)
    table = pd.concat(parts, ignore_index=True)
    table["p_holm"] = table.groupby(["metric", "k"])["p"].transform(lambda p: holm(p.to_numpy()))
    return table


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for their number by Holm's step-down method; NaN stays NaN and does not count."""
    corrected = np.full(len(p_values), np.nan)
    present = np.flatnonzero(~np.isnan(p_values))
    order = present[np.argsort(p_values[present], kind="stable")]
    stepped = p_values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0) if len(order) else stepped
    return corrected


def win_tie_loss(a: Outcomes, b: Outcomes, column: str) -> tuple[Ints, Ints, Ints]:
    """Count the posts on which `a` is better, equal, and worse, at each K; posts without a value are not counted.

    Args:
        b: of the same, in the same order.
        column: a metric with a value per post, or a `DataMetric`, which is the same for both.
    """
    if isinstance(METRICS[column], DataMetric):
        none = np.zeros(len(a.ks), np.int64)
        return none, none + len(a), none
    wins, losses = np.zeros(len(a.ks), np.int64), np.zeros(len(a.ks), np.int64)
    counted = np.zeros(len(a.ks), np.int64)
    for chunk in chunks(len(a), _CHUNK, "Counting wins"):
        difference = a.part(chunk).column(column) - b.part(chunk).column(column)
        wins += np.count_nonzero(difference > EQUAL, axis=0)
        losses += np.count_nonzero(difference < -EQUAL, axis=0)
        counted += np.count_nonzero(~np.isnan(difference), axis=0)
    return wins, counted - wins - losses, losses


def aligned(a: Outcomes, b: Outcomes) -> tuple[Outcomes, Outcomes]:
    """Return both systems' results on the same posts in the same order, at the Ks that both have.

    Raises:
        DataError: the posts or their truths are not the same.
        UserError: no K in common, or `map` divides by different things.
    """
    if a.ap_norm != b.ap_norm:
        raise UserError(f"ap_norm is {a.ap_norm} for one system and {b.ap_norm} for the other.")
    common = np.intersect1d(a.ks, b.ks)
    if not len(common):
        raise UserError("the two evaluations have no K in common; evaluate both with the same --k.")
    index = {post_id: row for row, post_id in enumerate(b.post_ids)}
    rows = np.array([index.get(post_id, -1) for post_id in a.post_ids], np.int64)
    missing = int(np.count_nonzero(rows < 0))
    if missing or len(a.post_ids) != len(b.post_ids):
        raise DataError(
            f"the two systems were not evaluated on the same posts: {len(a.post_ids):,} and {len(b.post_ids):,}, of "
            f"which {len(a.post_ids) - missing:,} are the same; evaluate both on one split of one prepared folder."
        )
    first = a.at(common)
    second = replace(b.take(rows).at(common), post_ids=a.post_ids, user_ids=a.user_ids)
    for name in ("true_count", "known_count", "new_count"):
        differ = getattr(first, name) != getattr(second, name)
        if differ.any():
            raise DataError(
                f"the two systems were evaluated against different truths or vocabularies, for instance of post "
                f"{a.post_ids[int(np.argmax(differ))]!r}; evaluate both on one prepared folder."
            )
    return first, second


def _as_far(permuted: Floats, observed: Floats) -> Ints:
    # A permutation that leaves the metric undefined counts as far apart: the test errs on the careful side.
    count: Ints = np.count_nonzero(~(np.abs(permuted) < np.abs(observed) - EQUAL), axis=0)
    return count
