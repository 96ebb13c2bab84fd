"""Every system's metrics against K, with bands: what the pictures of a comparison show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from multimodal.evaluation.comparison.alignment import on_same_posts
from multimodal.evaluation.comparison.saved_runs import SavedRun
from multimodal.evaluation.metrics.accuracy import Floats
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS, ListMetric
from multimodal.evaluation.uncertainty.bands import simultaneous_bands
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit

# A list of Ks of this length is a sweep; of a shorter one the pictures show all that was evaluated.
_SWEEP = 3
_DEEPEST = 30


@dataclass(frozen=True)
class Curve:
    """A metric at every K, (n_k,) each, and the ends of the band that holds at all Ks at once."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class SystemCurves:
    """All systems against K.

    Attributes:
        ks: rising.
        curves: system → metric → curve.
        best_k: system → best K by F1.
        posts: how many.
        unit: what was resampled for the bands.
        level: of the bands.
    """

    ks: list[int]
    curves: Mapping[str, Mapping[str, Curve]]
    best_k: Mapping[str, int]
    posts: int
    unit: Unit
    level: float

    @property
    def columns(self) -> list[str]:
        """The metrics."""
        return list(next(iter(self.curves.values())))


def system_curves(
    systems: Mapping[str, Sequence[SavedRun]],
    ks: Sequence[int],
    columns: Sequence[str] = (),
    *,
    unit: Unit = "posts",
    resamples: int = 1_000,
    seed: int = 0,
    level: float = 0.95,
    common_posts: bool = False,
) -> SystemCurves:
    """Compute the curves of every system on the same posts.

    Args:
        systems: name → its runs; several runs are seeds of one system.
        ks: a sweep; of fewer than three, everything up to K = 30 that all runs hold is shown.
        columns: further metrics than precision, recall, hit rate and F1.

    Raises:
        UserError: an unknown metric, or a K that was not evaluated.
        DataError: the runs did not judge the same posts against the same truth.
    """
    deepest = min(int(run.outcomes.ks.max()) for members in systems.values() for run in members)
    shown = sorted(set(ks)) if len(set(ks)) >= _SWEEP else list(range(1, min(max(deepest, *ks), _DEEPEST) + 1))
    aligned = on_same_posts(systems, shown, common_posts=common_posts)
    wanted = list(dict.fromkeys([*METRICS.headline_sets, *columns]))
    curves, best_k = {}, {}
    for name, outcomes in aligned.systems.items():
        absent = {metric.name for metric in METRICS.of(ListMetric)} - set(outcomes.stored)
        held = [column for column in wanted if column not in absent]
        draws = bootstrap(outcomes, held, unit=unit, resamples=resamples, seed=seed)
        curves[name] = {
            column: Curve(draws.values[column], *_band(column, draws.values[column], drawn, level))
            for column, drawn in draws.resampled.items()
        }
        best_k[name] = shown[int(np.nanargmax(draws.values[BEST_BY]))]
    everywhere = [column for column in wanted if all(column in held for held in curves.values())]
    curves = {name: {column: held[column] for column in everywhere} for name, held in curves.items()}
    return SystemCurves(shown, curves, best_k, len(aligned.post_ids), unit, level)


def _band(column: str, values: Floats, drawn: Floats, level: float) -> Iterator[Floats]:
    """Return the ends of the band of a curve, which do not leave 0 to 1 where no value can."""
    most = 1.0 if column in METRICS.headline else None
    return (np.clip(end, 0.0, most) for end in simultaneous_bands([(values, drawn)], level)[0])
