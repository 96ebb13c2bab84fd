"""Where one system is better than another: differences slice by slice, and against the posts outside of the slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError, nearest
from multimodal.evaluation.comparison.alignment import SamePosts
from multimodal.evaluation.comparison.comparison import Comparison, Protocol
from multimodal.evaluation.comparison.saved_runs import SavedRun
from multimodal.evaluation.metrics.accuracy import Floats
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.slices.slice_files import SLICES, read_post_slices
from multimodal.evaluation.slices.slice_metrics import Draws, band_terms, quantiles, slice_draws
from multimodal.evaluation.slices.slices import BANDS, HASHTAG_FREQUENCY, TITLES, BandedHits, PostSlices
from multimodal.evaluation.uncertainty.paired import EQUAL, holm, paired_test
from multimodal.evaluation.uncertainty.resampling import draw_signs, unit_terms, weighted_sums

_COLUMNS = (
    "slicing", "system", "against", "metric", "k", "slice", "posts", "units", "value", "value_against",
    "difference", "difference_low", "difference_high", "p", "p_holm", "lead", "lead_low", "lead_high",
)  # fmt: skip


@dataclass(frozen=True)
class SlicedSystems:
    """How the compared posts are divided, and each system's hits by band of hashtags.

    Attributes:
        slices: of the aligned posts, as the first run's evaluation divided them.
        bands: system → banded hits of each of its runs.
    """

    slices: PostSlices
    bands: Mapping[str, Sequence[BandedHits]]


def check_slicings(names: Sequence[str]) -> list[str]:
    """Return the slicings asked for; `all` stands for every one.

    Raises:
        UserError: one is unknown.
    """
    for name in names:
        if name not in TITLES and name != "all":
            raise UserError(f"slices: unknown {name!r}.{nearest(name, TITLES)} Accepted: all, {', '.join(TITLES)}.")
    return list(TITLES) if "all" in names else list(names)


def read_slices(systems: Mapping[str, Sequence[SavedRun]], aligned: SamePosts) -> SlicedSystems:
    """Read which aligned post is in which slice.

    Raises:
        DataError: a run's `slices.parquet` is missing, damaged or of other posts.
    """
    read = {
        name: [_aligned_slices(run.folder / SLICES, aligned.post_ids) for run in runs] for name, runs in systems.items()
    }
    first = next(iter(read.values()))[0]
    return SlicedSystems(first, {name: [slices.bands for slices in members] for name, members in read.items()})


def _aligned_slices(path: Path, post_ids: Sequence[str]) -> PostSlices:
    slices = read_post_slices(path)
    row_of = {post_id: row for row, post_id in enumerate(slices.post_ids)}
    missing = [post_id for post_id in post_ids if post_id not in row_of]
    if missing:
        raise DataError(
            f"{path} lacks {len(missing):,} of {len(post_ids):,} posts, for instance {missing[0]!r}; evaluate again: "
            "multimodal-hashtags evaluate --run … --data …"
        )
    return slices.take(np.array([row_of[post_id] for post_id in post_ids], np.int64))


def compare_slices(comparison: Comparison, sliced: SlicedSystems, names: Sequence[str]) -> pd.DataFrame:
    """Compare every system with the one compared against, slice by slice.

    Args:
        names: slicings. `hashtag_frequency` divides hashtags, not posts: it is compared by recall of hashtags.

    Returns:
        One row per slicing, system, metric, K and slice that holds a post: slicing, system, against, metric, k, slice,
        posts, units, value, value_against, difference, difference_low, difference_high, p, p_holm (over all rows), and
        lead, lead_low, lead_high: how much larger the difference is in the slice than on the other posts.
    """
    parts = []
    for name in check_slicings(names):
        for system in comparison.aligned.systems:
            if system == comparison.against:
                continue
            for k in comparison.aligned.systems[system].ks.tolist():
                parts.append(_one(comparison, sliced, name, system, int(k)))
    table = pd.concat(parts, ignore_index=True)
    table = table[table["posts"] > 0].reset_index(drop=True)
    table["p_holm"] = holm(table["p"].to_numpy(np.float64))
    return table.reindex(columns=list(_COLUMNS))


def _one(comparison: Comparison, sliced: SlicedSystems, name: str, system: str, k: int) -> pd.DataFrame:
    results = [comparison.aligned.systems[which].at(np.array([k])) for which in (system, comparison.against)]
    if name == HASHTAG_FREQUENCY:
        hits = [sliced.bands[which] for which in (system, comparison.against)]
        rows = _bands(results, hits, k, comparison.protocol)
    else:
        slicing = sliced.slices.slicings[name]
        rows = _posts(results, slicing.members(), slicing.labels, comparison.protocol)
    return rows.assign(slicing=name, system=system, against=comparison.against, k=k)


def _posts(
    results: Sequence[Outcomes], members: NDArray[np.bool_], labels: Sequence[str], protocol: Protocol
) -> pd.DataFrame:
    # Every slice and, behind them, the posts outside of each.
    both, count = np.concatenate([members, ~members], axis=1), len(labels)
    draws = [_draws(one, both, protocol.columns, protocol) for one in results]
    p_values = _p_values(results, members, protocol)
    parts = []
    for column in protocol.columns:
        first, second = (draw[column] for draw in draws)
        rows = _difference(first, second, protocol.level)
        inside, outside = rows[:count], rows[count:].reset_index(drop=True)
        lead = inside["difference"] - outside["difference"]
        resampled, units = first.resampled - second.resampled, np.minimum(first.units[:count], first.units[count:])
        low, high = quantiles(resampled[:, :count] - resampled[:, count:], units, protocol.level)
        inside = inside.assign(slice=labels, posts=members.sum(axis=0), p=p_values[column])
        parts.append(inside.assign(metric=column, lead=lead, lead_low=low, lead_high=high))
    return pd.concat(parts, ignore_index=True)


def _draws(
    outcomes: Outcomes,
    members: NDArray[np.bool_],
    columns: Sequence[str],
    protocol: Protocol,
    bands: Floats | None = None,
) -> dict[str, Draws]:
    return slice_draws(
        outcomes, members, columns, bands, unit=protocol.unit, resamples=protocol.resamples, seed=protocol.seed
    )


def _difference(a: Draws, b: Draws, level: float) -> pd.DataFrame:
    low, high = quantiles(a.resampled - b.resampled, a.units, level)
    values = {"value": a.value, "value_against": b.value, "difference": a.value - b.value}
    return pd.DataFrame({"units": a.units, **values, "difference_low": low, "difference_high": high})


def _p_values(results: Sequence[Outcomes], members: NDArray[np.bool_], protocol: Protocol) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {column: [] for column in protocol.columns}
    options: Any = {"unit": protocol.unit, "permutations": protocol.swaps_at_once, "seed": protocol.seed}
    for member in members.T:
        a, b = (one.take(np.flatnonzero(member)) for one in results)
        tested = paired_test(a, b, protocol.columns, **options)["p"] if len(a) else [np.nan] * len(found)
        for column, p in zip(protocol.columns, tested, strict=True):
            found[column].append(float(p))
    return found


def _bands(
    results: Sequence[Outcomes], hits: Sequence[Sequence[BandedHits]], k: int, protocol: Protocol
) -> pd.DataFrame:
    everything = np.ones((len(results[0].post_ids), 1), np.bool_)
    of_bands = [np.mean([band_terms(member, k) for member in members], axis=0) for members in hits]
    both = zip(results, of_bands, strict=True)
    a, b = (_draws(one, everything, ["recall"], protocol, values)[HASHTAG_FREQUENCY] for one, values in both)
    hit, true = np.split(of_bands[0], 2, axis=1)
    p = _swapped(hit - of_bands[1][:, : len(BANDS)], results[0], protocol)
    posts = (true > 0).sum(axis=0)
    return _difference(a, b, protocol.level).assign(metric="recall", slice=BANDS, posts=posts, p=p)


def _swapped(apart: Floats, results: Outcomes, protocol: Protocol) -> Floats:
    """Return the p-values of paired randomisation for sums over posts, (bands,)."""
    of_units, units = unit_terms(lambda chunk: apart[chunk], len(apart), results.user_ids, protocol.unit)
    signs, exact = draw_signs(units, protocol.swaps_at_once, protocol.seed)
    swapped = weighted_sums(signs, of_units, units, "Swapping at random")
    as_far = np.count_nonzero(np.abs(swapped) >= np.abs(apart.sum(axis=0)) - EQUAL, axis=0)
    p: Floats = as_far / len(swapped) if exact else (1 + as_far) / (1 + len(swapped))
    return p
