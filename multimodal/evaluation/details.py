"""What `evaluate` writes beyond the sweep: which K, and slices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_loaders.posts import Post
from multimodal.evaluation.comparison.alignment import at_cut_offs
from multimodal.evaluation.files.results import write_evaluation
from multimodal.evaluation.list_length.cutoff_selection import WhichK, which_k, write_which_k
from multimodal.evaluation.list_length.list_lengths import ScoredHits, read_scored_hits
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.metric_table import Evaluation
from multimodal.evaluation.metrics.train_statistics import KnownHashtags
from multimodal.evaluation.slices.slice_files import write_slices
from multimodal.evaluation.slices.slice_metrics import slice_table
from multimodal.evaluation.slices.slices import slice_posts
from multimodal.evaluation.uncertainty.intervals import Bootstrap, bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings

_USUAL_K = 5


@dataclass(frozen=True)
class Evaluated:
    """Everything an evaluation folder is written from.

    Attributes:
        posts: of the split, as ranked.
        rankings: of them.
        evaluation: of the rankings.
        memory: what was known.
        vocabulary: of train.
        train_hashtags: every hashtag of train.
        train_users: every user of train.
        settings: see `write_evaluation`.
    """

    posts: Sequence[Post]
    rankings: Rankings
    evaluation: Evaluation
    memory: PostMemory
    vocabulary: KnownHashtags
    train_hashtags: Collection[str]
    train_users: Collection[str]
    settings: dict[str, Any]


def write_all(folder: Path, evaluated: Evaluated, unit: Unit, slices: bool = True) -> WhichK:
    """Write the sweep, which K, and the slices; returns which K.

    Args:
        folder: `evaluation/<split>/` of a run.
        evaluated: what to write.
        unit: what intervals resample.
        slices: whether to write slices.
    """
    evaluation = evaluated.evaluation
    curves = bootstrap(evaluation.posts, METRICS.headline_sets, unit=unit)
    judged = [row for row, post in enumerate(evaluated.posts) if post.hashtags]
    truth = [evaluated.posts[row].hashtags for row in judged]
    write_evaluation(folder, evaluation, evaluated.rankings, evaluated.settings, truth=truth, curves=curves)
    found = _which_k(folder, evaluated, curves, evaluated.rankings.scores[judged])
    write_which_k(folder, found, unit)
    if slices:
        _write_slices(folder, evaluated, unit)
    return found


def _which_k(folder: Path, evaluated: Evaluated, curves: Bootstrap, scores: Any) -> WhichK:
    evaluation, settings = evaluated.evaluation, evaluated.settings
    longest = evaluation.ks[-1]
    judged = ScoredHits.of(scores, evaluation.per_post.outcomes, longest)
    if settings["split"] == "validation":
        absent = "the threshold of a per-post K is chosen on these posts; evaluate another split to see it judged"
        return which_k(evaluation, curves, judged, None, absent=absent)
    beside = folder.with_name(folder.name.replace(settings["split"], "validation", 1))
    if not (beside / "per_post.parquet").is_file():
        history = "" if settings["history"] == "rolling" else f" --history {settings['history']}"
        absent = (
            "no per-post K: its threshold is chosen on the validation split, which this run was not evaluated on. "
            f"First: python scripts/evaluate.py --run {settings['run']} --data {settings['data']} --split validation"
            f" --k 1-{longest}{history}, then this again"
        )
        return which_k(evaluation, curves, judged, None, absent=absent)
    return which_k(evaluation, curves, judged, read_scored_hits(beside, longest))


def _write_slices(folder: Path, evaluated: Evaluated, unit: Unit) -> None:
    evaluation = evaluated.evaluation
    slices = slice_posts(evaluated.posts, evaluation, evaluated.rankings, evaluated.memory, evaluated.vocabulary,
                         evaluated.train_hashtags, evaluated.train_users)  # fmt: skip
    k = slice_k(evaluation.ks)
    at_k = evaluation.posts._replace(per_post=at_cut_offs(evaluation.per_post, np.array([k])))
    history = evaluated.settings["history"]
    note = f"{len(evaluation.post_ids):,} posts; 95% bootstrap intervals over {unit}; history {history}"
    write_slices(folder, slices, slice_table(at_k, slices, unit=unit), note)


def slice_k(ks: Sequence[int]) -> int:
    """Return the K that slices are shown at: 5 where the sweep visits it, otherwise the nearest to it."""
    return min(ks, key=lambda k: (abs(k - _USUAL_K), k))
