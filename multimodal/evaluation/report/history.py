"""Earlier posts of a user: the nearest by content if a System keeps content vectors, otherwise the latest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_loaders.posts import UNDATED_EPOCH_US, Post
from multimodal.systems.base import System

_LATEST = 50
_SHOWN = 3
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class EarlierPost:
    """An earlier post of the same user.

    Attributes:
        post: the earlier post.
        similarity: cosine of the content vectors; None if the System keeps none.
        days: how long before; None if one of the two is undated.
    """

    post: Post
    similarity: float | None
    days: float | None

    @property
    def age(self) -> str:
        """How long before, in words."""
        if self.days is None:
            return "earlier"
        minutes = self.days * 24 * 60
        for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
            count = round(minutes / size)
            if minutes >= size:
                return f"{count:,} {unit}{'s' if count != 1 else ''} before"
        return "less than a minute before"


def earlier_posts(system: System | None, posts: Sequence[Post], known: Sequence[Post]) -> list[list[EarlierPost]]:
    """Return for each post the three nearest of its user's latest 50 strictly earlier posts among the known ones."""
    timelines: dict[str, list[Post]] = {post.user_id: [] for post in posts if post.user_id is not None}
    for post in known:
        if post.user_id in timelines:
            timelines[post.user_id].append(post)
    for timeline in timelines.values():
        timeline.sort(key=lambda post: -post.instant_us)
    candidates = []
    for post in posts:
        timeline = timelines.get(post.user_id or "", [])
        candidates.append([other for other in timeline if other.instant_us < post.instant_us][:_LATEST])
    similarities = _similarities(system, posts, candidates)
    return [
        _nearest(post, others, values) for post, others, values in zip(posts, candidates, similarities, strict=True)
    ]


def _nearest(post: Post, others: Sequence[Post], similarities: Sequence[float]) -> list[EarlierPost]:
    order = sorted(range(len(others)), key=lambda i: -similarities[i] if similarities else i)
    return [
        EarlierPost(others[i], similarities[i] if similarities else None, _days(post, others[i]))
        for i in order[:_SHOWN]
    ]


def _similarities(
    system: System | None, posts: Sequence[Post], candidates: Sequence[Sequence[Post]]
) -> list[list[float]]:
    memory = None if system is None else system.new_memory()
    if system is None or memory is None or not memory.width:
        return [[] for _ in posts]
    needed = {post.post_id: post for row in [posts, *candidates] for post in row}
    system.add_posts(memory, list(needed.values()))
    vectors = memory.vectors.astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    position = {post_id: i for i, post_id in enumerate(memory.post_ids)}
    return [
        [float(vectors[position[post.post_id]] @ vectors[position[other.post_id]]) for other in row]
        for post, row in zip(posts, candidates, strict=True)
    ]


def _days(post: Post, earlier: Post) -> float | None:
    if min(post.instant_us, earlier.instant_us) < UNDATED_EPOCH_US // 2:
        return None
    return (post.instant_us - earlier.instant_us) / _DAY_US
