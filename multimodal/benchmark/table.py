"""The table of a benchmark: metrics at every K with intervals, labels above a threshold, cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from multimodal.benchmark.label_metrics import ScoredLabels
from multimodal.benchmark.running import Row
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.storage.run_folder import RunFolder, read_json

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# Without a bootstrap interval.
POOLED = ("f1_micro", "f1_macro_label", "new_hashtag_recall")


def benchmark_table(
    rows: Sequence[Row], data: PreparedData, ks: Sequence[int], *, threshold: float | None = None, unit: Unit = "posts"
) -> pd.DataFrame:
    """Return one line per row and K, in the order given.

    Columns: system, k, every metric of `METRICS.headline` with `<metric>_low` and `<metric>_high` (95 % bootstrap), the
    metrics of `POOLED`; the same for all K of a row: threshold, labels_f1_micro, labels_f1_macro (of the hashtags whose
    score reaches the threshold), training_s, size_bytes, ms_per_post, posts.

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
    pooled = {line["k"]: line for line in read_json(folder / "metrics.json", "metrics")["table"]}
    cost = {"training_s": row.training_s, "size_bytes": row.size_bytes, "ms_per_post": row.ms_per_post}
    lines = []
    for i, k in enumerate(ks):
        line: dict[str, Any] = {"system": row.entry.name, "k": k}
        for metric in METRICS.headline:
            low, high = curves.interval(metric)
            line |= {metric: curves.values[metric][i], f"{metric}_low": low[i], f"{metric}_high": high[i]}
        line |= {name: pooled[k][name] for name in POOLED}
        lines.append({**line, **labels, **cost, "posts": len(outcomes)})
    return lines


def _labels(run: RunFolder, truth: Any, ids: Any, threshold: float | None) -> dict[str, float]:
    if threshold is None:
        threshold = _scored(run, "validation", truth, ids).best_threshold()
    micro, macro = _scored(run, "test", truth, ids).f1(threshold)
    return {"threshold": threshold, "labels_f1_micro": micro, "labels_f1_macro": macro}


def _scored(run: RunFolder, split: str, truth: Any, ids: Any) -> ScoredLabels:
    path: Path = run.evaluation(split) / "predictions.parquet"
    return ScoredLabels.of(read_predictions(path, ids[split]), truth[split])
