"""Metrics of slices with intervals: every slice on the same resamples, so that slices and systems can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.slices.slices import BANDS, HASHTAG_FREQUENCY, BandedHits, PostSlices
from multimodal.evaluation.uncertainty.ratios import base_columns, metrics_of, terms
from multimodal.evaluation.uncertainty.resampling import (
    Unit,
    draw_with_replacement,
    percentiles,
    unit_terms,
    user_numbers,
    weighted_sums,
)

_USUAL_K = 5
# With fewer posts, or users, a bootstrap interval would mean nothing.
LEAST_UNITS = 10


def slice_k(ks: Sequence[int]) -> int:
    """Return the K that slices are shown at: 5 where it was evaluated, otherwise the nearest to it."""
    return min(ks, key=lambda k: (abs(k - _USUAL_K), k))


@dataclass(frozen=True)
class Draws:
    """A metric of S slices on the posts themselves and on resamples.

    Attributes:
        value: (S,).
        resampled: (resamples, S); NaN where a resample has no post of the slice.
        units: (S,) posts or users in each slice.
    """

    value: Floats
    resampled: Floats
    units: Ints


def quantiles(resampled: Floats, units: Ints, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the percentile interval of each column, over the resamples in which it is defined.

    Args:
        resampled: (R, S).
        units: (S,) posts or users behind each column; below 10 they are too few to say anything: NaN.
    """
    low, high = np.full((2, resampled.shape[1]), np.nan)
    defined = ~np.isnan(resampled)
    for column in np.flatnonzero(defined.any(axis=0) & (units >= LEAST_UNITS)):
        low[column], high[column] = percentiles(resampled[defined[:, column], column], level)
    return low, high


def slice_draws(
    outcomes: Outcomes,
    members: NDArray[np.bool_],
    columns: Sequence[str],
    bands: Floats | None = None,
    *,
    unit: Unit = "posts",
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Draws]:
    """Compute metrics of slices on the posts and on resamples of them.

    Args:
        outcomes: of N posts, at one cut-off.
        members: (N, S) whether a post is in a slice; slices may overlap.
        bands: (N, 2 x bands): hits by band, then true hashtags by band; their ratio of sums is a recall of hashtags.
        seed: the same seed gives the same resamples, whatever the slices.

    Returns:
        Column → draws of the S slices; `HASHTAG_FREQUENCY` → those of the bands where they are given.
    """
    bases = base_columns(columns)
    slices, width = members.shape[1], 2 * len(bases)
    of_posts = _sliced_terms(outcomes, members, bases, bands)
    of_units, units = unit_terms(of_posts, len(members), outcomes.user_ids, unit)
    draws = draw_with_replacement(units, resamples, seed)
    once = weighted_sums(lambda chunk: np.ones((1, chunk.stop - chunk.start)), of_units, units, "Adding up slices")
    sums = np.concatenate([once, weighted_sums(draws, of_units, units, "Resampling slices")])
    cut = slices * width
    values = metrics_of(sums[:, :cut].reshape(-1, slices, width), bases, columns)
    counted = _count_units(members, outcomes, unit)
    found = {name: Draws(value[0, :, 0], value[1:, :, 0], counted) for name, value in values.items()}
    if bands is not None:
        recall = metrics_of(sums[:, cut:], ["recall"], ["recall"])["recall"]
        in_bands = _count_units(bands[:, bands.shape[1] // 2 :] > 0, outcomes, unit)
        found[HASHTAG_FREQUENCY] = Draws(recall[0], recall[1:], in_bands)
    return found


def _count_units(members: NDArray[np.bool_], outcomes: Outcomes, unit: Unit) -> Ints:
    users = user_numbers(outcomes.user_ids, unit)
    if users is None:
        return np.asarray(members.sum(axis=0))
    return np.array([len(np.unique(users[member])) for member in members.T], np.int64)


def _sliced_terms(
    outcomes: Outcomes, members: NDArray[np.bool_], bases: Sequence[str], bands: Floats | None
) -> Callable[[slice], Floats]:
    def of_posts(chunk: slice) -> Floats:
        of_chunk = terms(outcomes, bases, chunk)[:, None, :] * members[chunk][:, :, None]
        flat = of_chunk.reshape(len(of_chunk), -1)
        return flat if bands is None else np.concatenate([flat, bands[chunk]], axis=1)

    return of_posts


def band_terms(bands: BandedHits, k: int) -> Floats:
    """Return hits by band at K, then true hashtags by band, (N, 2 x bands)."""
    return np.concatenate([bands.found(k), bands.true_count.astype(np.float64)], axis=1)


def slice_table(
    outcomes: Outcomes,
    slices: PostSlices,
    *,
    unit: Unit = "posts",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return one row per slice.

    Returns:
        Columns slicing, slice, k, posts, units (posts or users), true_hashtags, and `METRICS.headline_sets`, each with
        _low and _high behind it. The first row is of all posts. Bands of hashtags have a recall alone:
        the share of their true hashtags that was found; their `posts` are those that carry such a hashtag.
    """
    k = int(outcomes.ks[0])
    true_count = outcomes.true_count
    everything = np.ones((len(true_count), 1), np.bool_)
    members = np.concatenate([everything, *(slicing.members() for slicing in slices.slicings.values())], axis=1)
    draws = slice_draws(outcomes, members, METRICS.headline_sets, band_terms(slices.bands, k),
                        unit=unit, resamples=resamples, seed=seed)  # fmt: skip
    of_bands = draws.pop(HASHTAG_FREQUENCY)
    names = [("all", "all"), *((name, label) for name, way in slices.slicings.items() for label in way.labels)]
    table = pd.DataFrame(names, columns=["slicing", "slice"])
    table["k"], table["posts"] = k, members.sum(axis=0)
    table["units"], table["true_hashtags"] = next(iter(draws.values())).units, true_count @ members
    for column, draw in draws.items():
        table = table.assign(**_with_ends(column, draw, level))
    true = slices.bands.true_count
    bands = {"slicing": HASHTAG_FREQUENCY, "slice": BANDS, "k": k, "posts": (true > 0).sum(axis=0),
             "units": of_bands.units, "true_hashtags": true.sum(axis=0)}  # fmt: skip
    bands |= _with_ends("recall", of_bands, level)
    return pd.concat([table, pd.DataFrame(bands)], ignore_index=True)


def _with_ends(column: str, draw: Draws, level: float) -> dict[str, Floats]:
    low, high = quantiles(draw.resampled, draw.units, level)
    return {column: draw.value, f"{column}_low": low, f"{column}_high": high}
