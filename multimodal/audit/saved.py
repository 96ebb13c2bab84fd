"""Are the saved predictions those of the model?"""

from __future__ import annotations

from pathlib import Path

from multimodal.audit.context import AuditContext, same_list
from multimodal.audit.finding import Finding, shown
from multimodal.evaluation.files.predictions import read_predictions


def saved_predictions_reproduced(context: AuditContext, predictions: Path) -> Finding:
    """Compare the saved lists of an evaluation with rolling history with the model's rankings."""
    name = "saved_predictions_reproduced"
    if not predictions.is_file():
        return Finding(
            name=name,
            status="skipped",
            measured=f"There is no {predictions.name} for the {context.split} split yet.",
            remedy="Evaluate the run: multimodal-hashtags evaluate --run … --data …",
        )
    saved = read_predictions(predictions)
    row_of = {post_id: row for row, post_id in enumerate(saved.post_ids)}
    depth = min(context.k, saved.k)
    examples = []
    for row, post in enumerate(context.posts):
        kept = saved.of(row_of[post.post_id]) if post.post_id in row_of else []
        if not same_list(context.rankings.of(row)[:depth], kept[:depth]):
            examples.append(post.post_id)
    total = len(context.posts)
    return Finding.check(
        name,
        bool(examples),
        good=f"The model gives the saved lists of all {total:,} posts again.",
        bad=f"{len(examples):,} of {total:,} saved lists are not those of the model ({shown(examples)}).",
        remedy="The file is from another model or another prepared folder. Evaluate again: multimodal-hashtags "
        "evaluate --run … --data …",
        numbers={"posts": total, "lists_that_differ": len(examples)},
    )
