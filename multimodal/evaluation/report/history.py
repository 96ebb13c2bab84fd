"""What a user posted before, nearest first: by content where a System keeps content vectors, else the latest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_loaders.posts import UNDATED_EPOCH_US, Post
from multimodal.systems.base import System

_LOOKED_AT = 50
_SHOWN = 3
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Earlier:
    """An earlier post of the same user.

    Attributes:
        post: what was posted.
        likeness: cosine between the content vectors; None where the System keeps none.
        days: how long before; None where one of the two is undated.
    """

    post: Post
    similarity: float | None
    days: float | None


def earlier_posts(system: System, posts: Sequence[Post], known: Sequence[Post]) -> list[list[Earlier]]:
    """Return for each post the three nearest of the user's latest 50 strictly earlier posts.

    Args:
        system: its `add_posts` gives the content vectors.
        posts: the posts asked about.
        known: all posts that may be looked at.
    """
    users = {post.user_id for post in posts if post.user_id is not None}
    timelines: dict[str, list[Post]] = {user: [] for user in users}
    for post in known:
        if post.user_id in timelines:
            timelines[post.user_id].append(post)
    for timeline in timelines.values():
        timeline.sort(key=lambda post: -post.instant_us)
    candidates = []
    for post in posts:
        timeline = timelines.get(post.user_id or "", [])
        candidates.append([other for other in timeline if other.instant_us < post.instant_us][:_LOOKED_AT])
    similarity = _likeness(system, posts, candidates)
    return [
        [
            Earlier(found[place], values[place] if values else None, _days(post, found[place]))
            for place in order[:_SHOWN]
        ]
        for post, found, values in zip(posts, candidates, similarity, strict=True)
        for order in [sorted(range(len(found)), key=lambda place: -values[place] if values else place)]
    ]


def _likeness(system: System, posts: Sequence[Post], candidates: Sequence[Sequence[Post]]) -> list[list[float]]:
    memory = system.new_memory()
    if not memory.width:
        return [[] for _ in posts]
    needed = {post.post_id: post for row in [posts, *candidates] for post in row}
    system.add_posts(memory, list(needed.values()))
    vectors = memory.vectors.astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    place = {post_id: number for number, post_id in enumerate(memory.post_ids)}
    return [
        [float(vectors[place[post.post_id]] @ vectors[place[other.post_id]]) for other in row]
        for post, row in zip(posts, candidates, strict=True)
    ]


def _days(post: Post, earlier: Post) -> float | None:
    if min(post.instant_us, earlier.instant_us) < UNDATED_EPOCH_US // 2:
        return None
    return (post.instant_us - earlier.instant_us) / _DAY_US
