"""Fitting what turns a System's scores into chances, and what lies outside of them, on the validation split."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.calibration import AS_THEY_ARE, fit_calibration
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import to_queries

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# Of how many posts at least it is fitted.
_LEAST_POSTS, _POSTS_AT_ONCE = 30, 2_048


def calibrate(system: System, memory: PostMemory, data: PreparedData) -> None:
    """Fit the calibration of a System whose scores claim to be chances, on validation posts; too few leave none.

    Args:
        system: fitted.
        memory: of the train posts.
        data: what it was trained on.
    """
    posts = [post for post in data.split("validation") if post.hashtags]
    system.calibration = None
    if not system.scores_are_chances or len(posts) < _LEAST_POSTS:
        return
    queries, excluded = to_queries(posts, profile=profile_of(system.config))
    scores: list[float] = []
    right: list[bool] = []
    true_count = 0
    for start in range(0, len(posts), _POSTS_AT_ONCE):
        part = slice(start, start + _POSTS_AT_ONCE)
        rankings = system.rank(queries[part], memory, min(system.calibration_depth, len(memory.id_map)), excluded[part])
        for post, ranking in zip(posts[part], rankings, strict=True):
            true = set(post.hashtags)
            true_count += len(true)
            scores += [score for _, score in ranking]
            right += [hashtag in true for hashtag, _ in ranking]
    if scores:
        fitted = AS_THEY_ARE if system.scores_are_calibrated else fit_calibration(np.array(scores), np.array(right))
        outside = (true_count - sum(right)) / len(posts)
        system.calibration = replace(fitted, outside=outside, depth=system.calibration_depth)
