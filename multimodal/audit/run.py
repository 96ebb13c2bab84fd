"""`audit_run`: all checks on a trained run and its prepared folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_loaders.errors import UserError, short_repr
from data_loaders.prepared import PreparedData
from multimodal.audit.captions import own_hashtags_as_words, own_hashtags_cut_out
from multimodal.audit.chance import constant_scores_fall_to_chance, shuffled_truth_falls_to_chance
from multimodal.audit.context import AuditContext, choose_posts
from multimodal.audit.duplicates import no_near_duplicates_across_split
from multimodal.audit.finding import Finding, Status, as_json, as_markdown, verdict
from multimodal.audit.invariance import order_and_batches_change_nothing, own_hashtags_unread, post_ids_unread
from multimodal.audit.lists import list_length_independent_of_truth, ties_settled_without_truth
from multimodal.audit.saved import saved_predictions_reproduced
from multimodal.audit.time import time_respected
from multimodal.audit.vocabulary import only_known_hashtags_named, vocabulary_free_of_test
from multimodal.encoders.features.unusable_pictures import left_out_pictures
from multimodal.evaluation.files.folder import AUDIT, evaluation_folder
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.metrics.cut_offs import LARGEST_K
from multimodal.evaluation.pipeline import check_same_data, fill_memory
from multimodal.storage.run_folder import write_json
from multimodal.systems.caption_profile import captions_for
from multimodal.systems.model_folder import load_model

DEFAULT_POSTS = 300
CHECKS: tuple[Callable[[AuditContext], Finding | list[Finding]], ...] = (
    own_hashtags_cut_out,
    own_hashtags_as_words,
    own_hashtags_unread,
    post_ids_unread,
    time_respected,
    order_and_batches_change_nothing,
    shuffled_truth_falls_to_chance,
    constant_scores_fall_to_chance,
    ties_settled_without_truth,
    vocabulary_free_of_test,
    only_known_hashtags_named,
    no_near_duplicates_across_split,
    list_length_independent_of_truth,
)


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of `audit_run`.

    Attributes:
        findings: one or more for each check, in the order of the checks.
        settings: what was audited, as written to `audit.json`.
        folder: where `audit.json` and `audit.md` were written.
    """

    findings: Sequence[Finding]
    settings: dict[str, Any]
    folder: Path

    @property
    def verdict(self) -> Status:
        """The worst status of the findings."""
        return verdict(self.findings)


def audit_context(context: AuditContext) -> list[Finding]:
    """Run all checks that need no files of a run."""
    findings: list[Finding] = []
    for check in CHECKS:
        found = check(context)
        findings.extend(found if isinstance(found, list) else [found])
    return findings


def audit_run(
    run: str | Path, data: PreparedData, split: str = "test", posts: int = DEFAULT_POSTS, k: int = 10, seed: int = 0
) -> Audit:
    """Audit a trained run for leaks, and write `audit.json` and `audit.md` next to its evaluation.

    Args:
        run: run folder, or its `model/` folder.
        data: the prepared folder it was trained on.
        split: the split whose figures are audited.
        posts: how many of its posts to rank, at most; drawn by `seed`.
        k: length of the lists.
        seed: of everything drawn at random.

    Raises:
        UserError: the split is unknown, there are too few posts, `k` or `seed` is not possible, there is no model, or
            it was trained on another prepared folder.
    """
    began = time.monotonic()
    if not 1 <= k <= LARGEST_K:
        raise UserError(f"k: {short_repr(k)} is not a possible length for the lists; give 1 to {LARGEST_K:,}.")
    chosen = choose_posts(data, split, posts, seed)
    model = load_model(run)
    other = check_same_data(model, data)
    data = captions_for(model.config, data)
    folder = model.run.evaluation(split)
    with left_out_pictures():
        fill_memory(model.system, model.memory, data, "rolling")
        context = AuditContext(model.system, model.memory, data, split, chosen, k, seed)
        findings = [*audit_context(context), saved_predictions_reproduced(context, folder / "predictions.parquet")]
    settings = {
        "system": model.system.name,
        "run": str(run),
        "data": str(data.folder),
        "split": split,
        "posts": len(chosen),
        "k": k,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        **({"warning": other} if other else {}),
    }
    with evaluation_folder(model.run, folder, "auditing it", AUDIT) as part:
        write_json(part / "audit.json", as_json(findings, settings))
        write_files(part, {"audit.md": as_markdown(findings, settings)})
    return Audit(findings, settings, folder)
