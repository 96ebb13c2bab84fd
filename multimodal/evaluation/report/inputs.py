"""`ReportInputs`: the files of an evaluation, read for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from data_loaders.errors import RunError
from data_loaders.posts import Post
from data_loaders.prepared import PreparedData
from multimodal.evaluation.chances import CHANCES
from multimodal.evaluation.errors.analysis import ErrorAnalysis, analyse_errors
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.provenance import check_unchanged
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.slices.slice_metrics import slice_k
from multimodal.evaluation.uncertainty.intervals import Bootstrap, bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import read_json

COLUMNS = METRICS.headline
_RESAMPLES = 1_000
_EVALUATE = "Evaluate the run: multimodal-hashtags evaluate --run … --data … --report"


@dataclass(frozen=True)
class ReportInputs:
    """Everything on the page except the gallery.

    Attributes:
        settings: of the evaluation, from `metrics.json`.
        counts: of posts and hashtags, from `metrics.json`.
        metrics: `metrics.csv`, one row per K.
        k: the best K by F1.
        error_k: the K of the error analysis and the gallery: 5 or the nearest in the sweep, as for slices. At K = 1,
            often the best where posts have one hashtag, NDCG could only be 0 or 1.
        intervals: bootstrap over posts or users.
        posts: of the split, in the order of `rankings`.
        rankings: the saved predictions.
        errors: the error analysis at `error_k`.
        slices: `slices.csv`; None if there is none.
        which_k: `which_k.csv`; None if there is none.
        reliability: `chances.csv`; None if there is none.
        audit: `audit.json`; None if there is none.
        chances: what the scores say of chances, a sentence.
    """

    settings: Mapping[str, Any]
    counts: Mapping[str, int]
    metrics: pd.DataFrame
    k: int
    error_k: int
    intervals: Bootstrap
    posts: Sequence[Post]
    rankings: Rankings
    errors: ErrorAnalysis
    slices: pd.DataFrame | None
    which_k: pd.DataFrame | None
    reliability: pd.DataFrame | None
    audit: Mapping[str, Any] | None
    chances: str = ""

    @cached_property
    def interval_table(self) -> pd.DataFrame:
        """The intervals as rows of k, metric, value, low, high and standard_error."""
        return self.intervals.table()

    @property
    def frozen(self) -> bool:
        """Whether only train posts were known when posts were ranked."""
        return bool(self.settings["history"] == "frozen")


def read_inputs(folder: Path, data: PreparedData, unit: Unit = "posts") -> ReportInputs:
    """Read an evaluation folder, `evaluation/<split>` of a run; add intervals over a unit and the error analysis.

    Raises:
        RunError: the folder does not hold an evaluation, or the prepared folder lacks its split.
        DataError: a file is damaged, or its posts are not those of the prepared folder.
    """
    if not (folder / "metrics.json").is_file():
        raise RunError(f"{folder} does not hold an evaluation. {_EVALUATE}")
    summary = check_unchanged(folder)
    if not {"settings", "counts", "best_k"} <= summary.keys():
        raise RunError(f"{folder / 'metrics.json'} is not the summary of an evaluation. {_EVALUATE}")
    posts = list(data.split(summary["settings"]["split"]))
    rankings = read_predictions(folder / "predictions.parquet", [post.post_id for post in posts])
    results = read_per_post(folder / "per_post.parquet")
    metrics = pd.read_csv(folder / "metrics.csv")
    error_k = slice_k(metrics["k"].tolist())
    train_frequency = Counter(tag for post in data.split("train") for tag in set(post.hashtags))
    truth = [post.hashtags for post in posts]
    return ReportInputs(
        settings=summary["settings"],
        counts=summary["counts"],
        metrics=metrics,
        k=int(summary["best_k"]["k"]),
        error_k=error_k,
        intervals=bootstrap(results, COLUMNS, unit=unit, resamples=_RESAMPLES),
        posts=posts,
        rankings=rankings,
        errors=analyse_errors(rankings, truth, error_k, train_frequency, data.vocabulary.hashtags),
        slices=_table(folder / "slices.csv"),
        which_k=_table(folder / "which_k.csv"),
        reliability=_table(folder / CHANCES),
        audit=read_json(folder / "audit.json", "the audit") if (folder / "audit.json").is_file() else None,
    )


def _table(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None
