"""`evaluate_run`: a trained run and a prepared folder in, metrics at K out."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from data_loaders import __version__
from data_loaders.errors import RunError, UserError, nearest
from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from multimodal.distributed.devices import choose_device
from multimodal.distributed.launching import init_distributed
from multimodal.distributed.processes import barrier, is_main_process, map_processes, process_count
from multimodal.distributed.progress import shared_progress
from multimodal.encoders.features.unusable_pictures import left_out_pictures
from multimodal.evaluation.data_notes import data_notes
from multimodal.evaluation.evaluation_run import EvaluationRun, measured, write_all
from multimodal.evaluation.files.folder import EVALUATION_FILES, evaluation_folder, keep_audit
from multimodal.evaluation.files.provenance import (
    PREDICTIONS,
    check_unchanged,
    file_sha256,
    is_changed,
    read_summary,
    saved_depth,
    saved_rankings,
)
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.list_length import AutoLength
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.serialization import concatenate, merge, serialize
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.auto_length import auto_length
from multimodal.systems.base import System
from multimodal.systems.caption_profile import captions_for, profile_of
from multimodal.systems.model_folder import LoadedModel, find_model, load_model, run_of_model
from multimodal.systems.queries import to_queries

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)

HistoryProtocol: TypeAlias = Literal["rolling", "frozen"]
# Predictions are kept at least this deep, so that a later look at other Ks needs no model.
_LEAST_DEPTH = 10


def evaluate_run(
    run: str | Path,
    data: PreparedData,
    *,
    split: str = "test",
    ks: Sequence[int] = tuple(range(1, 11)),
    history: HistoryProtocol = "rolling",
    batch_size: int = 2_048,
    unit: Unit = "posts",
    slices: bool = True,
    device: str | None = None,
    rank_again: bool = False,
) -> EvaluationRun:
    """Rank the posts of one split, compute the metrics, and write both into the run folder.

    Predictions that an earlier evaluation saved are used again if the same model, data and program would give the same
    ones, and if they are deep enough. They never get shallower.

    Under an `accelerate launch` the posts are shared between the processes; the figures stay the same.

    Args:
        run: run folder, or its `model/` folder.
        split: `train`, `validation` or `test`.
        ks: cut-offs, each at least 1.
        history: `rolling`: for every post all strictly earlier posts are known, those of the evaluated split too;
            `frozen`: only what was known at the end of training.
        batch_size: posts ranked together; changes no figure.
        unit: what intervals resample, `posts` or `users`.
        device: where to rank: `cpu`, `cuda`, `cuda:1`; None: CUDA where there is any, else the CPU.
        rank_again: do not use saved predictions.

    Returns:
        The evaluation; its files are in `evaluation/<split>/`, or `evaluation/<split>-frozen/`, which is replaced in
        one step.

    Raises:
        UserError: an unknown split, protocol or device, no model, another prepared folder than it was trained on,
            saved predictions that were changed, or another process trains the run or writes this evaluation.
    """
    check_choices(split, history, unit)
    _check_batch_size(batch_size)
    init_distributed()
    chosen_device = choose_device(device)
    model = load_model(run)
    other = check_same_data(model, data)
    data = captions_for(model.config, data)
    model.system.use_device(chosen_device)
    posts = posts_of(data, split)
    folder = evaluation_of(model.run, split, history)
    made_from = _made_from(model, data)
    auto = _auto(model.system, max(ks))
    with ExitStack() as stack:
        if is_main_process():
            part = stack.enter_context(evaluation_folder(model.run, folder, "evaluating it", EVALUATION_FILES))
        needed = max(ks) if auto is None else max(*ks, auto.depth)
        saved = None if rank_again else _saved(folder, model, data, posts, made_from, needed)
        depth = max(_LEAST_DEPTH, needed, saved_depth(folder))
        barrier()  # before the main process replaces what all have read
        if saved is None:
            ranked = _rank_all(model, data, posts, history, depth, batch_size)
        else:
            logger.info("using the predictions saved in %s; --rank-again ranks again", folder)
            ranked = _Ranked(saved, known_posts(data, history, split, posts), kept=folder / PREDICTIONS)
        settings = {"system": model.system.name, "split": split, "history": history, "seed": model.config.seed,
                    "posts_remembered": len(ranked.memory), "data": str(data.folder), "run": str(run),
                    **({"pictures_left_out": ranked.left_out} if ranked.left_out else {}),
                    "notes": [*data_notes(data, posts, split, history), *_flattered(model.system, split)],
                    **({"warning": other} if other else {})}  # fmt: skip
        evaluated = measured(data, posts, ranked.rankings, ks, folder=folder, settings=settings, made_from=made_from,
                             memory=ranked.memory, ranking_s=ranked.seconds, kept=ranked.kept, auto=auto)  # fmt: skip
        if is_main_process():
            evaluated = replace(evaluated, which_k=write_all(evaluated, part, unit, slices))
            keep_audit(folder, part)
    barrier()
    return evaluated


def _flattered(system: System, split: str) -> list[str]:
    if split == "train" or not system.learns_from_validation:
        return []
    if split == "test":
        return ["the model has learned from the validation posts too, so figures there flatter a length chosen there"]
    return [
        "the model has learned from these posts too, so these figures flatter it: "
        "metrics.jsonl of its run has F1@5 before it did"
    ]


def _auto(system: System, longest: int) -> AutoLength | None:
    known = system.calibration is not None and system.calibration.outside is not None
    return auto_length(system, maximum=longest) if known else None


def evaluate_validation_first(run: str | Path, data: PreparedData, **options: Any) -> None:
    """Evaluate the validation split, on which the per-post K of another split is chosen, unless that was done.

    Args:
        options: those of `evaluate_run` for the other split.
    """
    history, ks = options.get("history", "rolling"), options["ks"]
    if options.get("split") == "validation" or not any(post.hashtags for post in data.split("validation")):
        return
    folder = evaluation_of(run_of_model(find_model(run)), "validation", history)
    summary = read_summary(folder)
    made_from = {**summary.get("made_from", {}), "model": _model_fingerprint(find_model(run))}
    if summary.get("made_from") == made_from and max(summary["settings"].get("ks", [0])) >= max(ks):
        return
    logger.info("evaluating the validation split first, where the threshold of a per-post K is chosen")
    further = {**options, "split": "validation", "ks": range(1, max(ks) + 1), "slices": False}
    evaluate_run(run, data, **further)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A ranking, what was known, and how it came about."""

    rankings: Rankings
    memory: PostMemory
    left_out: int = 0
    seconds: float = float("nan")
    kept: Path | None = None


def _rank_all(
    model: LoadedModel, data: PreparedData, posts: Sequence[Post], history: HistoryProtocol, depth: int, batch_size: int
) -> _Ranked:
    with left_out_pictures() as left_out:
        fill_memory(model.system, model.memory, data, history)
        started = time.perf_counter()
        rankings = rank_posts(model.system, posts, model.memory, depth, batch_size)
    return _Ranked(rankings, model.memory, len(left_out), time.perf_counter() - started)


def _made_from(model: LoadedModel, data: PreparedData) -> dict[str, str]:
    return {"program": __version__, "model": _model_fingerprint(model.folder), "data": data.fingerprint}


def _model_fingerprint(folder: Path) -> str:
    # It lists the checksums of all other files.
    return file_sha256(folder / "model.json")


def _saved(
    folder: Path, model: LoadedModel, data: PreparedData, posts: Sequence[Post], made_from: dict[str, str], depth: int
) -> Rankings | None:
    # A model that has observed other posts is evaluated with them; they are not in the prepared folder.
    if len(model.memory) != len(data.split("train")):
        check_unchanged(folder)
        return None
    return saved_rankings(folder, [post.post_id for post in posts], made_from, depth)


def known_posts(data: PreparedData, history: str, split: str, posts: Sequence[Post]) -> PostMemory:
    """Return what is known of earlier posts, without their content: users, instants and hashtags.

    Args:
        history: `frozen`: the train split alone; otherwise all splits.
        split: the one that was read already.
        posts: of this split.
    """
    memory = PostMemory(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies))
    for name in SPLITS[:1] if history == "frozen" else SPLITS:
        # A list, because a memory goes through posts several times.
        memory.append(posts if name == split else list(data.split(name)))
    return memory


def posts_of(data: PreparedData, split: str) -> list[Post]:
    """Return the posts of a split.

    Raises:
        UserError: it has none.
    """
    posts = list(data.split(split))
    if not posts:
        raise UserError(f"split: the {split} split has no posts; evaluate another: --split {' | '.join(SPLITS)}.")
    return posts


def evaluation_of(run: RunFolder, split: str, history: str) -> Path:
    """Return the evaluation folder of a split under a history protocol."""
    return run.evaluation(f"{split}-frozen" if history == "frozen" else split)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise UserError(f"batch size: {batch_size} posts cannot be ranked together; give at least 1.")


def rank_posts(system: System, posts: Sequence[Post], memory: PostMemory, k: int, batch_size: int = 2_048) -> Rankings:
    """Rank many posts, a batch at a time, as `Recommender.recommend` would rank each of them.

    Args:
        posts: to rank; their own hashtags are removed first.
        batch_size: posts ranked together, at least 1.
    """
    _check_batch_size(batch_size)
    queries, excluded = to_queries(posts, profile=profile_of(system.config))

    def ranked(rows: Sequence[int]) -> Rankings:
        parts: list[Rankings] = []
        with shared_progress("ranking", len(rows)) as advance:
            for start in range(0, len(rows), batch_size):
                part = rows[start : start + batch_size]
                parts.append(system.rank([queries[row] for row in part], memory, k, [excluded[row] for row in part]))
                advance(len(part))
        return concatenate(parts, k, memory.id_map)

    if process_count() == 1:
        return ranked(range(len(posts)))
    lists = map_processes(range(len(posts)), lambda rows: serialize(ranked(rows), memory.id_map))
    return merge([post.post_id for post in posts], lists, k, memory.id_map)


def fill_memory(system: System, memory: PostMemory, data: PreparedData, history: HistoryProtocol) -> None:
    """Bring the memory saved with a model to what an evaluation may know.

    Raises:
        RunError: `frozen`, but the memory holds posts that are not of the train split.
    """
    if history == "frozen":
        train = {post.post_id for post in data.split("train")}
        later = [post_id for post_id in memory.post_ids if post_id not in train]
        if later:
            raise RunError(
                f"history frozen: the model remembers {len(later):,} posts that are not in the train split, for "
                f"instance {later[0]!r}; evaluate the model that training wrote, or use --history rolling."
            )
        return
    later_posts = [post for split in SPLITS[1:] for post in data.split(split) if post.post_id not in memory]
    add_in_batches(system, memory, later_posts)


def check_same_data(model: LoadedModel, data: PreparedData) -> str:
    """Refuse a prepared folder whose train vocabulary is not the one the model was trained with.

    Returns:
        A warning, which is also logged, if the vocabulary is the same but the posts are not; else an empty string.

    Raises:
        RunError: they differ; the message says how.
    """
    size = model.system.id_map.vocabulary_size
    own = list(model.system.id_map.names[:size])
    known = model.info.get("data", {})
    trained_on = known.get("folder")
    if own != list(data.vocabulary.hashtags) or model.system.id_map.frequencies.tolist() != list(
        data.vocabulary.frequencies
    ):
        hint = f" It was trained on {trained_on}." if trained_on else ""
        raise RunError(
            f"{data.folder} is not the prepared folder that {model.folder} was trained on: its train vocabulary holds "
            f"{len(data.vocabulary.hashtags):,} hashtags, the model's {size:,}, and they differ in name, number or "
            f"frequency.{hint} Give that folder to --data, or train on this one."
        )
    if "fingerprint" not in known or known["fingerprint"] == data.fingerprint:
        return ""
    warning = (
        f"{data.folder} holds other posts than the model was trained on ({trained_on}, as it was then), though its "
        "train vocabulary is the same: its test posts may be among those that the model has learned from"
    )
    logger.warning("warning: %s", warning)
    return warning


def check_choices(split: str, history: str, unit: str) -> None:
    """Check the names of split, history protocol and unit.

    Raises:
        UserError: one is unknown.
    """
    for name, kind, given, accepted in (
        ("split", "split", split, SPLITS),
        ("history", "protocol", history, get_args(HistoryProtocol)),
        ("unit", "unit", unit, get_args(Unit)),
    ):
        if given not in accepted:
            known = ", ".join(accepted)
            raise UserError(f"{name}: unknown {kind} {given!r}.{nearest(given, accepted)} Accepted: {known}.")


def is_evaluated(run: RunFolder, data: PreparedData, split: str, ks: Collection[int]) -> bool:
    """Return whether a run folder holds an unchanged evaluation of a split of this prepared folder at these Ks."""
    path = run.evaluation(split) / "metrics.json"
    if not path.is_file():
        return False
    summary = read_summary(path.parent)
    settings = summary["settings"]
    same = settings["data"] == str(data.folder) and set(ks) <= set(settings["ks"])
    return bool(same) and not is_changed(path.parent, summary)
