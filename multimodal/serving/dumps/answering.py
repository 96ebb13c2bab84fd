"""Answers for a block of records of a dump, as lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from data_loaders.errors import UserError
from data_loaders.images.loading import ImageError, opened_image
from data_loaders.posts import Post
from data_loaders.readers.base import RawPost, Record, Rejected
from multimodal.recommender import Recommendation, Recommender

# What became of a record: `post_id`, `where`, `hashtags`, `scores`, `probabilities`, and `notes` of [reason, detail];
# of one that was refused `post_id`, `where`, `refused` and `detail`.
Line: TypeAlias = dict[str, Any]
# An eighth of a large JPEG is enough to see that it can be decoded.
_CHECK_SIZE_PX = 64


def answer_block(
    recommender: Recommender, records: Sequence[Record], root: Path, options: Mapping[str, Any]
) -> list[Line]:
    """Return a line for each record, in order.

    A picture that cannot be used costs the picture, not the post; a post that cannot be answered costs no other.

    Args:
        recommender: answers as `recommend_many` does; posts for which fewer hashtags can be recommended get fewer.
        records: of one dump.
        root: the folder that pictures must be in.
        options: further arguments of `recommend_many`.
    """
    lines = [_begun(record, root) for record in records]
    asked = [row for row, (_, post) in enumerate(lines) if post is not None]
    answers = _answers(recommender, [post for _, post in lines if post is not None], options)
    for row, answer in zip(asked, answers, strict=True):
        line = lines[row][0]
        line.update(_refusal("not_answered", str(answer)) if isinstance(answer, UserError) else _told(answer))
    return [line for line, _ in lines]


def identity(record: Record) -> list[str | None]:
    """Return what tells a record from others: its id, and where it was found."""
    return [record.post_id, record.where] if isinstance(record, Rejected) else [record.post.post_id, record.where]


def _begun(record: Record, root: Path) -> tuple[Line, Post | None]:
    """Return the line of a record as far as it is known, and the post to answer, if it is one."""
    post_id, where = identity(record)
    line: Line = {"post_id": post_id, "where": where}
    if isinstance(record, Rejected):
        return {**line, **_refusal(record.reason, record.detail)}, None
    post, notes = _with_usable_picture(record, root)
    if post.image is None and post.user_id is None and not (post.caption or "").strip():
        detail = " ".join(["Nothing is left to recommend for.", *(detail for _, detail in notes)])
        return {**line, **_refusal("empty_post", detail)}, None
    return {**line, "notes": notes}, post


def _with_usable_picture(record: RawPost, root: Path) -> tuple[Post, list[list[str]]]:
    notes = [[reason, detail] for reason, _, detail in (text.partition(": ") for text in record.warnings)]
    post = record.post
    if post.image is None:
        return post, notes
    try:
        with opened_image(post.image, size_hint_px=_CHECK_SIZE_PX, root=root):
            return post, notes
    except ImageError as error:
        return replace(post, image=None), [*notes, [f"image_{error.reason}", str(error)]]


def _refusal(reason: str, detail: str) -> Line:
    return {"refused": reason, "detail": detail}


def _told(answer: Sequence[Recommendation]) -> Line:
    return {
        "hashtags": [one.hashtag for one in answer],
        "scores": [one.score for one in answer],
        "probabilities": [one.probability for one in answer],
    }


def _answers(
    recommender: Recommender, posts: Sequence[Post], options: Mapping[str, Any]
) -> list[list[Recommendation] | UserError]:
    try:
        return [*recommender.recommend_many(posts, on_short="fewer", **options)]
    except UserError as error:
        if len(posts) == 1:
            return [error]
    return [answer for post in posts for answer in _answers(recommender, [post], options)]
