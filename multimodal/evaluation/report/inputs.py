"""`ReportInputs`: what `evaluate` left in its folder, read back for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.evaluation.details import slice_k
from multimodal.evaluation.errors.analysis import ErrorAnalysis, analyse_errors
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.outcomes import PostResults
from multimodal.evaluation.uncertainty.intervals import Bootstrap, bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import read_json

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

COLUMNS = METRICS.headline
_RESAMPLES = 1_000


@dataclass(frozen=True)
class ReportInputs:
    """Everything that the page shows but the gallery.

    Attributes:
        settings: of the evaluation, from `metrics.json`.
        counts: of posts and hashtags, from `metrics.json`.
        metrics: `metrics.csv`, one row per K.
        k: the best K by F1.
        judged_k: the K at which single posts and hashtags are judged: 5 or the nearest to it, as for slices. At K = 1,
            which is the best where posts have one hashtag, NDCG could only be 0 or 1.
        results: values per post.
        intervals: bootstrap over posts or users.
        posts: of the split, in the order of `rankings`.
        rankings: all that was saved.
        errors: the error analysis at `k`.
        slices: `slices.csv`, where it is there.
        which_k: `which_k.csv`, where it is there.
        audit: `audit.json`, where it is there.
    """

    settings: Mapping[str, Any]
    counts: Mapping[str, int]
    metrics: pd.DataFrame
    k: int
    judged_k: int
    results: PostResults
    intervals: Bootstrap
    posts: Sequence[Post]
    rankings: Rankings
    errors: ErrorAnalysis
    slices: pd.DataFrame | None
    which_k: pd.DataFrame | None
    audit: Mapping[str, Any] | None

    @property
    def interval_table(self) -> pd.DataFrame:
        """k, metric, value, low, high."""
        return self.intervals.table()


def read_inputs(folder: Path, data: PreparedData, unit: Unit = "posts") -> ReportInputs:
    """Read an evaluation folder and work out what the report needs besides.

    Args:
        folder: `evaluation/<split>` of a run.
        data: the prepared folder it was evaluated on.
        unit: what intervals resample.

    Raises:
        RunError: the folder holds no evaluation, or of a split that the prepared folder does not have.
        DataError: one of its files is damaged, or its posts are not those of the prepared folder.
    """
    if not (folder / "metrics.json").is_file():
        raise RunError(f"{folder} holds no evaluation; make it: python scripts/evaluate.py --run … --data … --report")
    summary = read_json(folder / "metrics.json", "the evaluation")
    if not isinstance(summary, dict) or not {"settings", "counts", "best_k"} <= summary.keys():
        raise RunError(f"{folder / 'metrics.json'} is not of an evaluation; make it: python scripts/evaluate.py …")
    posts = list(data.split(summary["settings"]["split"]))
    rankings = read_predictions(folder / "predictions.parquet", [post.post_id for post in posts])
    results = read_per_post(folder / "per_post.parquet")
    metrics = pd.read_csv(folder / "metrics.csv")
    judged_k = slice_k(metrics["k"].tolist())
    train_frequency = Counter(tag for post in data.split("train") for tag in set(post.hashtags))
    truth = [post.hashtags for post in posts]
    return ReportInputs(
        settings=summary["settings"],
        counts=summary["counts"],
        metrics=metrics,
        k=int(summary["best_k"]["k"]),
        judged_k=judged_k,
        results=results,
        intervals=bootstrap(results, COLUMNS, unit=unit, resamples=_RESAMPLES),
        posts=posts,
        rankings=rankings,
        errors=analyse_errors(rankings, truth, judged_k, train_frequency, data.vocabulary.hashtags),
        slices=_table(folder / "slices.csv"),
        which_k=_table(folder / "which_k.csv"),
        audit=read_json(folder / "audit.json", "the audit") if (folder / "audit.json").is_file() else None,
    )


def _table(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None
