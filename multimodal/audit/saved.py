"""Are the predictions on disk those that the model gives?"""

from __future__ import annotations

from pathlib import Path

from multimodal.audit.context import AuditContext, same_list
from multimodal.audit.finding import Finding, shown
from multimodal.evaluation.files.predictions import read_predictions


def saved_predictions_reproduced(context: AuditContext, predictions: Path) -> Finding:
    """Compare the saved lists of the audited posts with the model's answers.

    Args:
        case: with a memory filled as for rolling history.
        predictions: `predictions.parquet` of an evaluation with rolling history.
    """
    name = "saved_predictions_reproduced"
    if not predictions.is_file():
        measured = f"There is no {predictions.name} of the {context.split} split yet."
        return Finding(name=name, status="skipped", measured=measured, remedy="Evaluate: python scripts/evaluate.py …")
    saved = read_predictions(predictions)
    row_of = {post_id: row for row, post_id in enumerate(saved.post_ids)}
    examples = []
    for row, post in enumerate(context.posts):
        place = row_of.get(post.post_id)
        kept = [] if place is None else saved.of(place)
        depth = min(context.k, saved.k)
        if not same_list(context.answers.of(row)[:depth], kept[:depth]):
            examples.append(post.post_id)
    total = len(context.posts)
    numbers = {"posts": total, "lists_that_differ": len(examples)}
    if not examples:
        measured = f"The model gives the saved lists of {total:,} posts again."
        return Finding(name=name, status="passed", measured=measured, numbers=numbers)
    return Finding(
        name=name,
        status="failed",
        measured=f"{len(examples):,} of {total:,} saved lists are not what the model answers ({shown(examples)}).",
        numbers=numbers,
        remedy="The files are of another model or another folder: evaluate again with scripts/evaluate.py.",
    )
