"""`EvaluationRun`: the result of evaluating a ranking, and the files written from it."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data_loaders.command_line import command_line
from data_loaders.posts import Post
from multimodal.evaluation.chances import CHANCES, FIRST, calibration_errors, chances_table, errors_by_chance
from multimodal.evaluation.files.provenance import PREDICTIONS, SUMMARY, check_unchanged, file_sha256
from multimodal.evaluation.files.results import evaluation_files, summary
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.list_length import ScoredHits, WhichK, read_scored_hits, which_k, which_k_files
from multimodal.evaluation.metrics.beyond_accuracy import cooccurrence_similarity
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import MetricTable, evaluate_rankings
from multimodal.evaluation.metrics.truth import KnownHashtags
from multimodal.evaluation.slices.slice_files import slice_files
from multimodal.evaluation.slices.slice_metrics import slice_k, slice_table
from multimodal.evaluation.slices.slices import slice_posts
from multimodal.evaluation.uncertainty.intervals import Bootstrap, bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.calibration import Calibration
from multimodal.ranking.list_length import AutoLength
from multimodal.ranking.rankings import Rankings

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationRun:
    """A ranking of one split, evaluated.

    Attributes:
        folder: where the files are in the end, `evaluation/<split>/` of the run.
        settings: what the reader must know to interpret the figures.
        made_from: what the ranking depends on: model, data, version of the program.
        posts: of the split, as ranked.
        rankings: of all of them.
        metrics: of those with a true hashtag, at every K.
        memory: what was known.
        ranking_s: seconds that ranking took, without loading and remembering; NaN where nothing was ranked.
        kept: the predictions are already in this file, which is kept as it is; None to write them.
        auto: chooses lengths of lists by probabilities; None where scores are not probabilities.
        which_k: how certain the best K is; None except on the main process, which writes the files.
    """

    folder: Path
    settings: dict[str, Any]
    made_from: Mapping[str, Any]
    posts: Sequence[Post]
    rankings: Rankings
    metrics: MetricTable
    memory: PostMemory
    vocabulary: KnownHashtags
    train_hashtags: Collection[str]
    train_users: Collection[str]
    ranking_s: float = float("nan")
    kept: Path | None = None
    auto: AutoLength | None = None
    which_k: WhichK | None = None


def measured(
    data: PreparedData, posts: Sequence[Post], rankings: Rankings, ks: Sequence[int], **further: Any
) -> EvaluationRun:
    """Compute the metrics of a ranking of posts of a prepared folder.

    Args:
        further: the other attributes of `EvaluationRun`.
    """
    train = [(post.hashtags, post.user_id) for post in data.split("train")]
    train_hashtags = {hashtag for hashtags, _ in train for hashtag in hashtags}
    metrics = evaluate_rankings(
        rankings,
        [post.hashtags for post in posts],
        ks,
        data.vocabulary,
        train_hashtags=train_hashtags,
        similarity=cooccurrence_similarity([hashtags for hashtags, _ in train], data.vocabulary.hashtags),
        user_ids=[post.user_id for post in posts],
    )
    return EvaluationRun(
        posts=posts,
        rankings=rankings,
        metrics=metrics,
        vocabulary=data.vocabulary,
        train_hashtags=train_hashtags,
        train_users={user_id for _, user_id in train if user_id is not None},
        **further,
    )


def write_all(run: EvaluationRun, folder: Path, unit: Unit, slices: bool = True) -> WhichK:
    """Write metrics, predictions, figures, the choice of K and the slices; return the choice of K.

    Args:
        folder: where to, until it takes the place of `run.folder`.
        unit: what intervals resample.
        slices: whether to write them.
    """
    rows = [row for row, post in enumerate(run.posts) if post.hashtags]
    truth = [run.posts[row].hashtags for row in rows]
    curves = bootstrap(run.metrics.outcomes, METRICS.headline_sets, unit=unit)
    scores = run.rankings.scores[rows]
    auto = None if run.auto is None else run.auto.of(scores)
    chosen = _which_k(run, curves, ScoredHits.of(scores, run.metrics.outcomes, run.metrics.ks[-1], auto))
    contents = evaluation_files(run.metrics, run.rankings, run.settings, truth=truth, curves=curves)
    del contents[SUMMARY]
    if run.kept is not None:
        shutil.copy2(run.kept, folder / PREDICTIONS)
        del contents[PREDICTIONS]
    contents |= which_k_files(chosen, unit)
    chances = None if run.auto is None else _chances(run, run.auto.calibration)
    contents |= {} if chances is None else {CHANCES: chances}
    write_files(folder, {**contents, **_slice_files(run, unit)} if slices else contents)
    predictions = {"sha256": file_sha256(folder / PREDICTIONS), "depth": run.rankings.k}
    noted: dict[str, Any] = {"made_from": dict(run.made_from), "predictions": predictions}
    if chances is not None:
        names = "calibration_error", f"calibration_error_at_{FIRST}"
        noted["chances"] = dict(zip(names, calibration_errors(chances), strict=True))
        by_chance = map(asdict, errors_by_chance(chances))
        noted["chances_that_come_true"] = dict(zip(names, by_chance, strict=True))
    write_files(folder, {SUMMARY: {**summary(run.metrics, run.settings), **noted}})
    return chosen


def _chances(run: EvaluationRun, calibration: Calibration) -> pd.DataFrame:
    return chances_table(run.rankings, [post.hashtags for post in run.posts], calibration)


def _which_k(run: EvaluationRun, curves: Bootstrap, scored: ScoredHits) -> WhichK:
    longest = run.metrics.ks[-1]
    split = run.settings["split"]
    if split == "validation":
        absent = "the threshold of a per-post K is chosen on these posts; evaluate another split to see how it does"
        return which_k(run.metrics, curves, scored, None, absent=absent)
    beside = run.folder.with_name(run.folder.name.replace(split, "validation", 1))
    if (beside / "per_post.parquet").is_file():
        made_from = check_unchanged(beside).get("made_from", run.made_from)
        if made_from == run.made_from:
            return which_k(run.metrics, curves, scored, read_scored_hits(beside, longest))
    return which_k(run.metrics, curves, scored, None, absent=_without_validation(run))


def _without_validation(run: EvaluationRun) -> str:
    settings, why = run.settings, "no per-post K: its threshold is chosen on the validation split, which"
    if "predictions" in settings:
        return f"{why} {settings['predictions']} holds no predictions for"
    words = ["--run", settings["run"], "--data", settings["data"], "--split", "validation"]
    words += ["--k", f"1-{run.metrics.ks[-1]}", *([] if settings["history"] == "rolling" else ["--history", "frozen"])]
    return f"{why} this run was not evaluated on. First: {command_line('evaluate', *words)}, then this again"


def _slice_files(run: EvaluationRun, unit: Unit) -> dict[str, Any]:
    outcomes = run.metrics.outcomes
    slices = slice_posts(run.posts, outcomes, run.rankings, run.memory, run.vocabulary,
                         run.train_hashtags, run.train_users)  # fmt: skip
    table = slice_table(outcomes.at(np.array([slice_k(run.metrics.ks)])), slices, unit=unit)
    note = f"{len(outcomes):,} posts; 95 % bootstrap intervals over {unit}; history {run.settings['history']}"
    return slice_files(slices, table, note)
