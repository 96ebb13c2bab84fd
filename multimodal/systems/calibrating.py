"""Fitting what turns a System's scores into chances, and what lies outside of them, on the validation split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.calibration import fit_calibration
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import to_queries

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# Of how many posts at least it is fitted.
_LEAST_POSTS, _POSTS_AT_ONCE = 30, 2_048


def calibrate(system: System, memory: PostMemory, data: PreparedData) -> None:
    """Fit the calibration of a System whose scores claim to be chances, on validation posts; too few leave none.

    As in serving, every post knows what was posted before it, validation posts included. A System whose scores are
    calibrated has found out the rest when it was fitted, and stays as it is.

    Args:
        system: fitted.
        memory: of the train posts; it stays as it is.
        data: what it was trained on.
    """
    if system.scores_are_calibrated:
        return
    posts = [post for post in data.split("validation") if post.hashtags]
    system.calibration = None
    if not system.scores_are_chances or len(posts) < _LEAST_POSTS:
        return
    with memory.fork() as known:
        add_in_batches(system, known, [post for post in data.split("validation") if post.post_id not in known])
        lists = [list(_judged(post, ranking)) for post, ranking in _ranked(system, known, posts)]
    scores = np.array([score for row in lists for score, _ in row])
    right = np.array([hit for row in lists for _, hit in row], np.bool_)
    if not len(scores):
        return
    number = np.repeat(np.arange(len(lists)), [len(row) for row in lists])
    fitted = fit_calibration(scores, right, number)
    outside = (sum(len(set(post.hashtags)) for post in posts) - int(right.sum())) / len(posts)
    system.calibration = replace(fitted, outside=outside, depth=system.calibration_depth)


def _ranked(
    system: System, memory: PostMemory, posts: Sequence[Post]
) -> Iterator[tuple[Post, list[tuple[str, float]]]]:
    queries, excluded = to_queries(posts, profile=profile_of(system.config))
    depth = min(system.calibration_depth, len(memory.id_map))
    for start in range(0, len(posts), _POSTS_AT_ONCE):
        part = slice(start, start + _POSTS_AT_ONCE)
        yield from zip(posts[part], system.rank(queries[part], memory, depth, excluded[part]), strict=True)


def _judged(post: Post, ranking: Sequence[tuple[str, float]]) -> Iterator[tuple[float, bool]]:
    true = set(post.hashtags)
    return ((score, hashtag in true) for hashtag, score in ranking)
