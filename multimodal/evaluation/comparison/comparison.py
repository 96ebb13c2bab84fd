"""`compare_runs`: saved evaluations in, means, differences, tests and a verdict out. No model is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data_loaders.errors import UserError, nearest
from multimodal.evaluation.comparison.alignment import SamePosts, alike, on_same_posts
from multimodal.evaluation.comparison.saved_runs import SavedRun
from multimodal.evaluation.metrics.accuracy import Floats
from multimodal.evaluation.metrics.catalogue import BEST_BY
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.uncertainty.bands import simultaneous_bands
from multimodal.evaluation.uncertainty.intervals import Bootstrap, bootstrap
from multimodal.evaluation.uncertainty.paired import holm, paired_test
from multimodal.evaluation.uncertainty.ratios import base_columns, check_columns, metrics_of, terms
from multimodal.evaluation.uncertainty.resampling import Unit, count_units, few_units, percentiles

TABLE_COLUMNS = (
    "system", "runs", "metric", "k", "value", "low", "high", "sd_over_seeds", "against",
    "difference", "difference_low", "difference_high", "band_low", "band_high", "p", "swaps", "p_holm", "differs",
    "effect_size", "wins", "ties", "losses",
)  # fmt: skip
# From this many posts of one user on, on average, intervals over posts are worth a warning.
_MANY_POSTS_OF_A_USER = 2
SIGNIFICANT = 0.05
# The smallest p is then a hundredth of what Holm's correction leaves: .01 after it.
_SWAPS, _SWAPS_PER_TEST, _MOST_SWAPS = 10_000, 100, 1_000_000


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How systems are compared.

    Attributes:
        columns: metrics of posts.
        unit: what is resampled and swapped.
        resamples: bootstrap samples.
        permutations: random swaps per test; None: as many as the number of tests asks for.
        test_ks: the cut-offs that are tested; at the others bands tell what differs. None: all.
        seed: of resamples and swaps.

    Raises:
        UserError: the seed is negative.
    """

    columns: Sequence[str] = (BEST_BY,)
    unit: Unit = "posts"
    resamples: int = 1000
    permutations: int | None = None
    test_ks: Sequence[int] | None = None
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"seed: {self.seed} is negative; give 0 or more.")

    @property
    def swaps_at_once(self) -> int:
        """How many random swaps every test takes at least."""
        return _SWAPS if self.permutations is None else self.permutations

    def most_swaps(self, tests: int) -> int:
        """Return how many random swaps a test may take, so that Holm's correction for so many tests can be met."""
        if self.permutations is not None:
            return self.permutations
        return min(max(_SWAPS, _SWAPS_PER_TEST * tests), _MOST_SWAPS)


@dataclass(frozen=True)
class Comparison:
    """What `compare_runs` gives.

    Attributes:
        table: one row per system, metric and K, the columns of `TABLE_COLUMNS`; the system compared against has no
            difference.
        against: the system that the others are compared with.
        runs: system → its run folders as given.
        notes: what the reader must know.
    """

    table: pd.DataFrame
    against: str
    aligned: SamePosts
    protocol: Protocol
    runs: Mapping[str, Sequence[str]]
    notes: Sequence[str] = field(default_factory=list)


def compare_runs(
    systems: Mapping[str, Sequence[SavedRun]],
    ks: Sequence[int],
    protocol: Protocol | None = None,
    *,
    against: str | None = None,
    common_posts: bool = False,
) -> Comparison:
    """Compare systems with one of them, on the same posts.

    Means and differences have percentile bootstrap intervals (all systems see the same resamples), p-values come
    from paired randomisation tests, and Holm's correction runs over all comparisons, metrics and Ks that are tested.
    Bands of the differences hold for all of them and at all Ks at once. A row `differs` where its corrected p is below
    .05, or, at a K that is not tested, where its band excludes 0.

    Args:
        systems: name → its runs; several runs are seeds of one system.
        protocol: metrics, unit, numbers of resamples; by default F1 over posts.
        against: the system to compare the others with; by default the first.

    Raises:
        UserError: fewer than two systems, an unknown system or metric, or a K that was not evaluated.
        DataError: the runs did not judge the same posts against the same truth.
    """
    protocol = protocol or Protocol()
    names = list(systems)
    if len(names) < 2:
        raise UserError(
            f"{len(names)} system to compare ({', '.join(names) or 'none'}); give at least two run folders. Runs that "
            "differ in their seed alone count as one system; --separate keeps them apart."
        )
    reference = names[0] if against is None else against
    if reference not in systems:
        known = ", ".join(names)
        raise UserError(f"against: {reference!r} is not one of the systems.{nearest(reference, names)} Known: {known}.")
    aligned = on_same_posts(systems, ks, common_posts=common_posts)
    for name in names:
        check_columns(protocol.columns, aligned.systems[name])
    table = _table(aligned, reference, protocol)
    notes = [*aligned.notes, *alike(systems), *_unit_note(aligned, protocol), *_floor_notes(table, protocol)]
    runs = {name: [run.given for run in members] for name, members in systems.items()}
    return Comparison(table, reference, aligned, protocol, runs, notes)


def _table(aligned: SamePosts, reference: str, protocol: Protocol) -> pd.DataFrame:
    draws = {name: _draw(outcomes, protocol) for name, outcomes in aligned.systems.items()}
    parts = [_means(name, draw, aligned, protocol) for name, draw in draws.items()]
    tests = [
        _differences(name, aligned, draw, reference, draws[reference], protocol)
        for name, draw in draws.items()
        if name != reference
    ]
    tested = pd.concat(tests, ignore_index=True)
    _add_bands(tested, draws, reference, protocol)
    chosen = np.ones(len(tested), np.bool_) if protocol.test_ks is None else tested["k"].isin(protocol.test_ks)
    tested["p_holm"] = holm(tested["p"].where(chosen).to_numpy())
    banded = (tested["band_low"] > 0) | (tested["band_high"] < 0)
    tested["differs"] = np.where(chosen, tested["p_holm"] < SIGNIFICANT, banded)
    table = pd.concat(parts, ignore_index=True).merge(tested, on=["system", "metric", "k"], how="left")
    table["differs"] = table["differs"].astype("boolean")
    for count in ("wins", "ties", "losses", "swaps"):
        table[count] = table[count].astype("Int64")
    order = {column: i for i, column in enumerate(protocol.columns)}
    table = table.sort_values("k", kind="stable").sort_values("metric", kind="stable", key=lambda m: m.map(order))
    return table.reset_index(drop=True).reindex(columns=list(TABLE_COLUMNS))


def _draw(outcomes: Outcomes, protocol: Protocol) -> Bootstrap:
    # One seed for all systems: the same posts or users are drawn, so that differences are paired.
    return bootstrap(outcomes, protocol.columns, unit=protocol.unit, resamples=protocol.resamples, seed=protocol.seed)


def _means(name: str, draw: Bootstrap, aligned: SamePosts, protocol: Protocol) -> pd.DataFrame:
    rows = draw.table(protocol.level).drop(columns="standard_error")
    members = aligned.systems[name].members
    rows.insert(0, "system", name)
    rows["runs"] = len(members)
    rows["sd_over_seeds"] = np.concatenate(list(_seed_deviation(aligned.systems[name], protocol.columns).values()))
    return rows


def _seed_deviation(outcomes: Outcomes, columns: Sequence[str]) -> dict[str, Floats]:
    """Return each metric's standard deviation over the runs of a system, (n_k,); NaN for a single run."""
    members, bases = outcomes.members, base_columns(columns)
    if len(members) == 1:
        return {column: np.full(len(outcomes.ks), np.nan) for column in columns}
    sums = np.stack([terms(member, bases, slice(None)).sum(axis=0) for member in members])
    return {column: values.std(axis=0, ddof=1) for column, values in metrics_of(sums, bases, columns).items()}


def _add_bands(tested: pd.DataFrame, draws: Mapping[str, Bootstrap], reference: str, protocol: Protocol) -> None:
    base, names = draws[reference], [name for name in draws if name != reference]
    curves = [
        (
            draws[name].values[column] - base.values[column],
            draws[name].resampled[column] - base.resampled[column],
        )
        for name in names
        for column in protocol.columns
    ]
    ends = simultaneous_bands(curves, protocol.level)
    tested["band_low"], tested["band_high"] = (np.concatenate(end) for end in zip(*ends, strict=True))


def _differences(
    name: str, aligned: SamePosts, draw: Bootstrap, reference: str, base: Bootstrap, protocol: Protocol
) -> pd.DataFrame:
    ks = base.ks if protocol.test_ks is None else np.intersect1d(base.ks, protocol.test_ks)
    tests = (len(aligned.systems) - 1) * len(protocol.columns) * len(ks)
    tested = paired_test(
        aligned.systems[name],
        aligned.systems[reference],
        protocol.columns,
        unit=protocol.unit,
        permutations=protocol.swaps_at_once,
        most=protocol.most_swaps(tests),
        at=ks.tolist(),
        seed=protocol.seed,
    )
    apart = (draw.resampled[column] - base.resampled[column] for column in protocol.columns)
    ends = [percentiles(values, protocol.level) for values in apart]
    tested["difference_low"], tested["difference_high"] = np.concatenate(ends, axis=1)
    tested.insert(0, "system", name)
    tested["against"] = reference
    return tested.drop(columns=["a", "b"])


def _floor_notes(table: pd.DataFrame, protocol: Protocol) -> list[str]:
    """Say where p-values are the smallest that swaps can give, and where those are too large to hold."""
    tested = table[table["p_holm"].notna()]
    floor = 1 / (1 + tested["swaps"].astype(float))
    at_floor = (tested["p"] <= floor) & (tested["p"] < 1)
    if not at_floor.any():
        return []
    smallest = float(floor[at_floor].max())
    notes = [
        f"{int(at_floor.sum()):,} of {len(tested):,} p-values are the smallest that their swaps can give "
        f"({smallest:.2g}); the true ones may be smaller"
    ]
    if smallest * len(tested) >= SIGNIFICANT:
        needed = int(len(tested) / SIGNIFICANT) + 1
        notes.append(
            f"after Holm's correction over {len(tested):,} comparisons no p can be below "
            f"{min(smallest * len(tested), 1):.3f}, so nothing can be significant: test fewer, or take at least "
            f"{needed:,} swaps"
        )
    return notes


def _unit_note(aligned: SamePosts, protocol: Protocol) -> list[str]:
    few = few_units(count_units(len(aligned.post_ids), aligned.user_ids, protocol.unit), protocol.unit)
    return [*few, *_alike_note(aligned, protocol)]


def _alike_note(aligned: SamePosts, protocol: Protocol) -> list[str]:
    users = [user for user in aligned.user_ids or [] if user is not None]
    if protocol.unit != "posts" or not users:
        return []
    each = len(users) / len(set(users))
    if each < _MANY_POSTS_OF_A_USER:
        return []
    return [
        f"a user wrote {each:.1f} of these posts on average, and posts of one user are alike: intervals and p-values "
        "over posts are too narrow and too small; --unit users resamples users"
    ]
