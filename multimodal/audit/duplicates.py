"""Near-duplicates across the split: the same words or the same picture, trained on and judged on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.check import inspect_image
from data_loaders.images.fingerprints import NO_COLOURS, NO_KEY
from data_loaders.posts import Post
from data_loaders.prepare.duplicates import caption_key, group_duplicates
from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding, Number, Status, shown
from multimodal.distributed.progress import shared_progress

_TOLERABLE_SHARE = 0.01
_MOST_PICTURES = 20_000


def no_near_duplicates_across_split(context: AuditContext) -> Finding:
    """Fingerprint the captions and pictures of train and of the audited split: no group may have posts in both."""
    train, evaluated = context.data.split("train"), context.data.split(context.split)
    if context.split == "train":
        return Finding(
            name="no_near_duplicates_across_split", status="skipped", measured="The train split itself is audited."
        )
    posts = [*train, *evaluated]
    captions = np.array([caption_key(post.caption) for post in posts], np.uint64)
    pictured = sum(post.image is not None for post in posts)
    hashed = pictured <= _MOST_PICTURES
    nothing = np.full(len(posts), NO_KEY, np.uint64)
    pictures, colours = _fingerprints(posts, hashed)
    both = _shared(group_duplicates(captions, pictures, colours), len(train))
    examples = [posts[row].post_id for row in both]
    share = len(both) / max(len(evaluated), 1)
    numbers: dict[str, Number] = {
        "posts": len(evaluated),
        "pictures_compared": pictured if hashed else 0,
        "near_duplicates_by_caption": len(_shared(group_duplicates(captions, nothing, colours), len(train))),
        "near_duplicates_by_picture": len(_shared(group_duplicates(nothing, pictures, colours), len(train))),
        "near_duplicates_of_train": len(both),
        "share": share,
    }
    left_out = (
        "" if hashed else f" {pictured:,} pictures are too many to fingerprint here; captions alone were compared."
    )
    status: Status = "passed" if not both else "warning" if share <= _TOLERABLE_SHARE else "failed"
    outcome = f"{len(both):,} of {len(evaluated):,} posts ({share:.1%}) have a near-duplicate in train"
    return Finding(
        name="no_near_duplicates_across_split",
        status=status,
        measured=f"By caption and picture, {outcome}{f' ({shown(examples)})' if examples else ''}.{left_out}",
        numbers=numbers,
        remedy=""
        if not both
        else "Prepare the folder with near-duplicates kept together, so that a group stays on one side of the split.",
    )


def _fingerprints(posts: Sequence[Post], look: bool) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    keys = np.full(len(posts), NO_KEY, np.uint64)
    colours = np.zeros((len(posts), len(NO_COLOURS)), np.uint8)
    rows = [row for row, post in enumerate(posts) if look and isinstance(post.image, (str, Path))]
    with shared_progress("fingerprinting pictures", len(rows), "pictures") as advance:
        for row in rows:
            # A picture that cannot be read has been told of where it is opened; here it resembles none.
            report = inspect_image(Path(str(posts[row].image)))
            keys[row], colours[row] = report.key, np.frombuffer(report.colours, np.uint8)
            advance(1)
    return keys, colours


def _shared(groups: NDArray[np.int64], train: int) -> list[int]:
    trained = np.unique(groups[:train])
    rows: list[int] = (np.flatnonzero(np.isin(groups[train:], trained)) + train).tolist()
    return rows
