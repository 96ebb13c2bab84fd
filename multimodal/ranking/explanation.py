"""Why a hashtag was recommended: the sources that brought it, and the posts behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory

_MOST_POSTS = 5


@dataclass(frozen=True, slots=True)
class Source:
    """What brought a hashtag, or moved its score.

    Attributes:
        name: such as `own`, `neighbours`, `caption`, `picture`, `popularity`; `always`, `only` or `replace` for a rule.
        effect: how much it moved the score, in the unit in which the System adds up; compare those of one answer.
        posts: ids of the posts behind it, the heaviest first, at most five.
    """

    name: str
    effect: float
    posts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the source as JSON holds it."""
        return {"name": self.name, "effect": self.effect, "posts": list(self.posts)}


# Of one hashtag, the source that moved it most first.
Explanation: TypeAlias = "tuple[Source, ...]"


def largest_first(sources: Sequence[Source]) -> Explanation:
    """Return sources as an explanation."""
    return tuple(sorted(sources, key=lambda source: -abs(source.effect)))


def own_posts_with(
    memory: PostMemory, post: Post, hashtags: Sequence[str], limit: int, most: int = _MOST_POSTS
) -> list[tuple[str, ...]]:
    """Return for each hashtag the ids of the user's newest posts strictly before a post that carry it.

    Args:
        memory: earlier posts.
        post: by the user.
        hashtags: K of them.
        limit: how many of the user's posts are looked at.
        most: how many posts of each hashtag are named.
    """
    instants_us = np.array([post.instant_us], np.int64)
    positions = memory.history([post.user_id], instants_us, limit)[0]
    ranks, used = memory.hashtag_pairs(positions)
    found = []
    for hashtag in hashtags:
        index = memory.id_map.find(hashtag)
        carriers = positions[ranks[used == index]][:most] if index is not None else ()
        found.append(tuple(memory.post_ids[position] for position in carriers))
    return found
