"""The table of a benchmark: metrics at every K with intervals, labels above a threshold, cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multimodal.evaluation.chances import CHANCES, calibration_errors
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.evaluation.metrics.label_wise import f1_macro_label, f1_micro
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.experiments.benchmark.running import Row
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import RunFolder, read_json

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# Without a bootstrap interval.
POOLED = ("f1_micro", "f1_macro_label", "new_hashtag_recall", "redundancy")
# Of Systems whose scores are chances; the last three are those of lists of their own length.
CHANCES_COLUMNS = ("calibration_error", "calibration_error_at_5", "auto_f1", "auto_f1_per_post", "auto_mean_length")


@dataclass(frozen=True)
class ScoredLabels:
    """Every named hashtag of N posts, flat.

    Attributes:
        scores: (P,) of the pairs (post, hashtag).
        hashtags: (P,) numbers below `size`.
        right: (P,) whether the post has it.
        support: (size,) posts each hashtag is true of.
    """

    scores: NDArray[np.float64]
    hashtags: NDArray[np.int64]
    right: NDArray[np.bool_]
    support: NDArray[np.int64]

    @classmethod
    def of(cls, rankings: Rankings, truth: Sequence[Sequence[str]]) -> ScoredLabels:
        """Put rankings and truth side by side; posts without a true hashtag are left out."""
        labelled = np.array([bool(row) for row in truth])
        number = {name: index for index, name in enumerate(dict.fromkeys([*rankings.names, *_flat(truth)]))}
        named = labelled[:, None] & (rankings.indices >= 0)
        posts, ranks = np.nonzero(named)
        hashtags = rankings.indices[posts, ranks]
        own = np.array([number[name] for name in rankings.names], np.int64)[hashtags]
        pairs = np.array(
            [post * len(number) + number[tag] for post, row in enumerate(truth) for tag in set(row)], np.int64
        )
        right = np.isin(posts * np.int64(len(number)) + own, pairs)
        support = np.bincount(pairs % len(number), minlength=len(number))
        return cls(rankings.scores[posts, ranks], own, right, support)

    def f1(self, threshold: float) -> tuple[float, float]:
        """Return micro and macro F1 when a post has the hashtags whose score is at least `threshold`."""
        size, taken = len(self.support), self.scores >= threshold
        named = np.bincount(self.hashtags[taken], minlength=size)
        right = np.bincount(self.hashtags[taken & self.right], minlength=size)
        return f1_micro(named, right, self.support), f1_macro_label(named, right, self.support)

    def best_threshold(self) -> float:
        """Return the threshold with the highest micro F1, the highest such; infinity where nothing is named."""
        order = np.argsort(-self.scores, kind="stable")
        scores, found = self.scores[order], np.cumsum(self.right[order])
        f1 = 2 * found / (np.arange(1, len(scores) + 1) + self.support.sum())
        # Equal scores are taken together or not at all.
        last_of_equals = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
        return float(scores[np.argmax(np.where(last_of_equals, f1, -1))]) if len(scores) else float("inf")


def _flat(truth: Sequence[Sequence[str]]) -> list[str]:
    return [hashtag for row in truth for hashtag in row]


def benchmark_table(
    rows: Sequence[Row], data: PreparedData, ks: Sequence[int], *, threshold: float | None = None, unit: Unit = "posts"
) -> pd.DataFrame:
    """Return one line per row and K, in the order given.

    Columns: system, k, every metric of `METRICS.headline` with `<metric>_low` and `<metric>_high` (95 % bootstrap), the
    ends of F1's interval over posts and over users, the metrics of `POOLED`; the same for all K of a row: threshold,
    labels_f1_micro, labels_f1_macro (of the hashtags whose score reaches the threshold), the columns of
    `CHANCES_COLUMNS` (NaN for Systems without chances), training_s, size_bytes, ms_per_post, posts.

    Args:
        threshold: for all rows; None: each row's own with the best micro F1 on the validation split.
    """
    truth = {split: [post.hashtags for post in data.split(split)] for split in ("validation", "test")}
    ids = {split: [post.post_id for post in data.split(split)] for split in truth}
    return pd.DataFrame([line for row in rows for line in _lines(row, truth, ids, ks, threshold, unit)])


def _lines(
    row: Row, truth: Any, ids: Any, ks: Sequence[int], threshold: float | None, unit: Unit
) -> list[dict[str, Any]]:
    run = RunFolder(row.folder)
    labels = _labels(run, truth, ids, threshold)
    folder = run.evaluation("test")
    outcomes = read_per_post(folder / "per_post.parquet").at(np.array(ks))
    curves = bootstrap(outcomes, METRICS.headline, unit=unit)
    of_units = {one: _interval(outcomes, one) for one in get_args(Unit)}
    pooled = {line["k"]: line for line in read_json(folder / "metrics.json", "metrics")["table"]}
    cost = {"training_s": row.training_s, "size_bytes": row.size_bytes, "ms_per_post": row.ms_per_post}
    chances = _chances(folder)
    lines = []
    for i, k in enumerate(ks):
        line: dict[str, Any] = {"system": row.entry.name, "k": k}
        for metric in METRICS.headline:
            low, high = curves.interval(metric)
            line |= {metric: curves.values[metric][i], f"{metric}_low": low[i], f"{metric}_high": high[i]}
        for one, (lows, highs) in of_units.items():
            line |= {f"{BEST_BY}_{one}_low": lows[i], f"{BEST_BY}_{one}_high": highs[i]}
        # JSON has null where there was nothing to measure.
        line |= {name: float("nan") if (value := pooled[k].get(name)) is None else value for name in POOLED}
        lines.append({**line, **labels, **chances, **cost, "posts": len(outcomes)})
    return lines


def _chances(folder: Path) -> dict[str, float]:
    """Return calibration errors, and what lists of the lengths that chances choose are worth."""
    if not (folder / CHANCES).is_file():
        return dict.fromkeys(CHANCES_COLUMNS, float("nan"))
    lengths = pd.read_csv(folder / "which_k.csv")
    auto = lengths[lengths["rule"] == "auto"].iloc[0]
    values = (*calibration_errors(pd.read_csv(folder / CHANCES)), auto["f1"], auto["f1_per_post"], auto["mean_length"])
    return dict(zip(CHANCES_COLUMNS, map(float, values), strict=True))


def _interval(outcomes: Outcomes, unit: Unit) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of F1 at every K; NaN over users where none is known."""
    if unit == "users" and not any(user is not None for user in outcomes.user_ids or ()):
        nothing = np.full(len(outcomes.ks), np.nan)
        return nothing, nothing
    return bootstrap(outcomes, [BEST_BY], unit=unit).interval(BEST_BY)


def _labels(run: RunFolder, truth: Any, ids: Any, threshold: float | None) -> dict[str, float]:
    if threshold is None:
        threshold = _scored(run, "validation", truth, ids).best_threshold()
    micro, macro = _scored(run, "test", truth, ids).f1(threshold)
    return {"threshold": threshold, "labels_f1_micro": micro, "labels_f1_macro": macro}


def _scored(run: RunFolder, split: str, truth: Any, ids: Any) -> ScoredLabels:
    path: Path = run.evaluation(split) / "predictions.parquet"
    return ScoredLabels.of(read_predictions(path, ids[split]), truth[split])
