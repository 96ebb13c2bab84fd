"""`evaluate_predictions`: the predictions of any program and a prepared folder in, the files of an evaluation out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_loaders import __version__
from data_loaders.errors import DataError, UserError, some_of
from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.text.hashtags import normalise
from multimodal.evaluation.data_notes import data_notes
from multimodal.evaluation.evaluation_run import EvaluationRun, measured, write_all
from multimodal.evaluation.files.folder import EVALUATION_FILES, evaluation_folder
from multimodal.evaluation.files.predictions import PredictionRows, check_names, read_rows
from multimodal.evaluation.files.provenance import file_sha256
from multimodal.evaluation.pipeline import check_choices, evaluation_of, known_posts, posts_of
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# What the history of foreign predictions is called unless one says what their program knew.
NOT_STATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class ForeignPredictions:
    """A file of predictions.

    Attributes:
        path: of the file.
        name: of the System, in tables.
        output: the folder to write to, as if it were a run's.
        file_format: one of `FORMATS`; None: by the name of the file.
        history: `rolling` or `frozen`, if it is known what the program knew when it ranked a post.
    """

    path: Path
    name: str
    output: Path
    file_format: str | None = None
    history: str | None = None


def evaluate_predictions(
    given: ForeignPredictions,
    data: PreparedData,
    *,
    split: str = "test",
    ks: Sequence[int] = tuple(range(1, 11)),
    unit: Unit = "posts",
    slices: bool = True,
) -> EvaluationRun:
    """Evaluate predictions of any program on one split, as `evaluate_run` does those of a trained run.

    Posts of the split without predictions have an empty list. Predictions for the validation split, if there are any,
    serve to choose the threshold of a per-post K. Hashtags are brought to their canonical form.

    Args:
        split: `train`, `validation` or `test`.
        ks: cut-offs, each at least 1.
        unit: what intervals resample, `posts` or `users`.
        slices: whether to compute the metrics of slices.

    Returns:
        The evaluation; its files are in `<output>/evaluation/<split>/`, for `compare` and reports.

    Raises:
        DataError: the file is damaged, a list is none, or a post is not in the prepared folder.
        UserError: an unknown split, format or protocol, or the output is a trained run.
    """
    check_choices(split, given.history or "rolling", unit)
    run = RunFolder(given.output)
    if run.config.exists() or run.model.exists():
        raise UserError(
            f"{run.path} is a run of this program, whose evaluations are not replaced by those of {given.path}; choose "
            "another --name or --output."
        )
    rows, notes = _canonical(read_rows(given.path, given.file_format))
    posts = {name: posts_of(data, name) if name == split else list(data.split(name)) for name in SPLITS}
    ids = {name: [post.post_id for post in part] for name, part in posts.items()}
    _check_posts(rows, ids)
    made_from = {"program": __version__, "file": file_sha256(given.path), "data": data.fingerprint}
    if split != "validation" and not set(ids["validation"]).isdisjoint(rows.post_ids):
        _evaluate(given, rows, data, posts, "validation", range(1, max(ks) + 1), made_from, unit, False, [])
    others = sum(not set(ids[name]).isdisjoint(rows.post_ids) for name in SPLITS if name != split)
    if others:
        kept = len(rows.only(ids[split]).post_ids)
        notes.append(f"{len(rows.post_ids) - kept:,} posts of other splits are left out")
    return _evaluate(given, rows, data, posts, split, ks, made_from, unit, slices, notes)


def _evaluate(
    given: ForeignPredictions,
    rows: PredictionRows,
    data: PreparedData,
    of_split: Mapping[str, Sequence[Post]],
    split: str,
    ks: Sequence[int],
    made_from: Mapping[str, str],
    unit: Unit,
    slices: bool,
    notes: Sequence[str],
) -> EvaluationRun:
    history = given.history or NOT_STATED
    posts = of_split[split]
    ids = [post.post_id for post in posts]
    rankings = rows.only(ids).rankings(ids)
    if not rankings.k:
        raise DataError(f"{given.path} holds no predictions for the {split} split of {data.folder}.")
    memory = known_posts(data, history, split, posts)
    settings: dict[str, Any] = {
        "system": given.name, "split": split, "history": history, "seed": None, "posts_remembered": len(memory),
        "data": str(data.folder), "run": str(given.output), "predictions": str(given.path),
        "notes": [*notes, *data_notes(data, posts, split, history)],
    }  # fmt: skip
    run = RunFolder(given.output)
    folder = evaluation_of(run, split, history)
    evaluated = measured(
        data, posts, rankings, ks, folder=folder, settings=settings, made_from=made_from, memory=memory
    )
    with evaluation_folder(run, folder, "evaluating predictions", EVALUATION_FILES) as part:
        return replace(evaluated, which_k=write_all(evaluated, part, unit, slices))


def _check_posts(rows: PredictionRows, ids: Mapping[str, Sequence[str]]) -> None:
    known = {post_id for part in ids.values() for post_id in part}
    unknown = [post_id for post_id in rows.post_ids if post_id not in known]
    if unknown:
        raise DataError(
            f"{rows.path}: {len(unknown):,} of {len(rows.post_ids):,} posts are not in the prepared folder "
            f"({some_of(unknown)}); are they predictions for the same data?"
        )


def _canonical(rows: PredictionRows) -> tuple[PredictionRows, list[str]]:
    """Return the rows with hashtags in their canonical form, and what was changed."""
    canonical = [normalise(name) or name for name in rows.names]
    changed = [name for name, other in zip(rows.names, canonical, strict=True) if name != other]
    if not changed:
        check_names(rows.path, rows.names)
        return rows, []
    names = list(dict.fromkeys(canonical))
    check_names(rows.path, names)
    index = {name: number for number, name in enumerate(names)}
    numbers = np.array([index[name] for name in canonical], np.int64)
    example = changed[0]
    note = (
        f"{len(changed):,} hashtags were brought to their canonical form, such as {example!r}: {normalise(example)!r}"
    )
    return replace(rows, tags=numbers[rows.tags], names=names), [note]
