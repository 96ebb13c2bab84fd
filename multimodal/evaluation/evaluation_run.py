"""`EvaluationRun`: the result of evaluating a trained run, and the files written from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_loaders.command_line import command_line
from data_loaders.posts import Post
from multimodal.evaluation.files.results import evaluation_files
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.list_length import ScoredHits, WhichK, read_scored_hits, which_k, which_k_files
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import MetricTable
from multimodal.evaluation.metrics.truth import KnownHashtags
from multimodal.evaluation.slices.slice_files import slice_files
from multimodal.evaluation.slices.slice_metrics import slice_k, slice_table
from multimodal.evaluation.slices.slices import slice_posts
from multimodal.evaluation.uncertainty.intervals import Bootstrap, bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationRun:
    """A trained run, evaluated on one split.

    Attributes:
        folder: where the files are in the end, `evaluation/<split>/` of the run.
        posts: of the split, as ranked.
        rankings: of all of them.
        metrics: of those with a true hashtag, at every K.
        memory: what was known.
        ranking_s: seconds that ranking took, without loading and remembering.
        which_k: how certain the best K is; None except on the main process, which writes the files.
    """

    folder: Path
    settings: dict[str, Any]
    posts: Sequence[Post]
    rankings: Rankings
    metrics: MetricTable
    memory: PostMemory
    vocabulary: KnownHashtags
    train_hashtags: Collection[str]
    train_users: Collection[str]
    ranking_s: float
    which_k: WhichK | None = None


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
    chosen = _which_k(run, curves, ScoredHits.of(run.rankings.scores[rows], run.metrics.outcomes, run.metrics.ks[-1]))
    contents = {
        **evaluation_files(run.metrics, run.rankings, run.settings, truth=truth, curves=curves),
        **which_k_files(chosen, unit),
    }
    write_files(folder, {**contents, **_slice_files(run, unit)} if slices else contents)
    return chosen


def _which_k(run: EvaluationRun, curves: Bootstrap, scored: ScoredHits) -> WhichK:
    longest = run.metrics.ks[-1]
    split, history = run.settings["split"], run.settings["history"]
    if split == "validation":
        absent = "the threshold of a per-post K is chosen on these posts; evaluate another split to see how it does"
        return which_k(run.metrics, curves, scored, None, absent=absent)
    beside = run.folder.with_name(run.folder.name.replace(split, "validation", 1))
    if (beside / "per_post.parquet").is_file():
        return which_k(run.metrics, curves, scored, read_scored_hits(beside, longest))
    words = ["--run", run.settings["run"], "--data", run.settings["data"], "--split", "validation"]
    words += ["--k", f"1-{longest}", *([] if history == "rolling" else ["--history", history])]
    absent = (
        "no per-post K: its threshold is chosen on the validation split, which this run was not evaluated on. "
        f"First: {command_line('evaluate', *words)}, then this again"
    )
    return which_k(run.metrics, curves, scored, None, absent=absent)


def _slice_files(run: EvaluationRun, unit: Unit) -> dict[str, Any]:
    outcomes = run.metrics.outcomes
    slices = slice_posts(run.posts, outcomes, run.rankings, run.memory, run.vocabulary,
                         run.train_hashtags, run.train_users)  # fmt: skip
    table = slice_table(outcomes.at(np.array([slice_k(run.metrics.ks)])), slices, unit=unit)
    note = f"{len(outcomes):,} posts; 95 % bootstrap intervals over {unit}; history {run.settings['history']}"
    return slice_files(slices, table, note)
