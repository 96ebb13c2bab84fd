"""Fitting what turns a System's scores into chances, on the validation split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.calibration import fit_calibration
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import to_queries

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# How deep the lists are that it is fitted on, and of how many posts at least.
_DEPTH, _LEAST_POSTS, _POSTS_AT_ONCE = 10, 30, 2_048


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
    for start in range(0, len(posts), _POSTS_AT_ONCE):
        part = slice(start, start + _POSTS_AT_ONCE)
        rankings = system.rank(queries[part], memory, min(_DEPTH, len(memory.id_map)), excluded[part])
        for post, ranking in zip(posts[part], rankings, strict=True):
            true = set(post.hashtags)
            scores += [score for _, score in ranking]
            right += [hashtag in true for hashtag, _ in ranking]
    if scores:
        system.calibration = fit_calibration(np.array(scores), np.array(right))
