"""Near-duplicates across the split: the same words or the same picture in train and in the evaluated split."""

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
from multimodal.audit.finding import Finding, shown
from multimodal.distributed.progress import shared_progress
from multimodal.evaluation.files.text_table import percent

_TOLERABLE_SHARE = 0.01
_MOST_PICTURES = 20_000


def no_near_duplicates_across_split(context: AuditContext) -> Finding:
    """Fingerprint the captions and pictures of train and of the audited split: no post of it may resemble train."""
    train, evaluated = context.data.split("train"), context.data.split(context.split)
    name = "no_near_duplicates_across_split"
    if context.split == "train":
        return Finding(name=name, status="skipped", measured="The audited split is train itself.")
    posts = [*train, *evaluated]
    captions = np.array([caption_key(post.caption) for post in posts], np.uint64)
    pictured = sum(post.image is not None for post in posts)
    few_enough = pictured <= _MOST_PICTURES
    nothing = np.full(len(posts), NO_KEY, np.uint64)
    pictures, colours = _fingerprints(posts, few_enough)
    both = _shared(group_duplicates(captions, pictures, colours), len(train))
    examples = [posts[row].post_id for row in both]
    share = len(both) / max(len(evaluated), 1)
    compared = "By caption and picture" if few_enough else f"By caption alone ({pictured:,} pictures are too many)"
    return Finding.check(
        name,
        bool(both),
        good=f"{compared}, none of {len(evaluated):,} posts has a near-duplicate in train.",
        bad=f"{compared}, {len(both):,} of {len(evaluated):,} posts ({percent(share, 1)}) have a near-duplicate in "
        f"train ({shown(examples)}).",
        remedy="Prepare the dump with near-duplicates kept together, so that all of a group are in the same split.",
        numbers={
            "posts": len(evaluated),
            "pictures_compared": pictured if few_enough else 0,
            "near_duplicates_by_caption": len(_shared(group_duplicates(captions, nothing, colours), len(train))),
            "near_duplicates_by_picture": len(_shared(group_duplicates(nothing, pictures, colours), len(train))),
            "near_duplicates_of_train": len(both),
            "share": share,
        },
        only_warn=share <= _TOLERABLE_SHARE,
    )


def _fingerprints(posts: Sequence[Post], look: bool) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    keys = np.full(len(posts), NO_KEY, np.uint64)
    colours = np.zeros((len(posts), len(NO_COLOURS)), np.uint8)
    rows = [row for row, post in enumerate(posts) if look and isinstance(post.image, (str, Path))]
    with shared_progress("fingerprinting pictures", len(rows), "pictures") as advance:
        for row in rows:
            # A picture that cannot be read is reported where it is opened; here it resembles no other.
            report = inspect_image(Path(str(posts[row].image)))
            keys[row], colours[row] = report.key, np.frombuffer(report.colours, np.uint8)
            advance(1)
    return keys, colours


def _shared(groups: NDArray[np.int64], train: int) -> list[int]:
    trained = np.unique(groups[:train])
    rows: list[int] = (np.flatnonzero(np.isin(groups[train:], trained)) + train).tolist()
    return rows
