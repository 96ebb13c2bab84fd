"""Posts stripped of their caption, user or picture, so that rankers learn from incomplete posts too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from data_loaders.posts import Post

_STRIPPED: tuple[Callable[[Post], Post], ...] = (
    lambda post: replace(post, caption=None),
    lambda post: replace(post, user_id=None),
    lambda post: replace(post, image=None),
    lambda post: replace(post, caption=None, user_id=None),
)


def strip_some(posts: Sequence[Post], share: float, first: int = 0) -> tuple[list[int], list[Post]]:
    """Return a share of the posts without, in turn, their caption, user, picture, or caption and user.

    Args:
        posts: in any order.
        share: of the posts, evenly spread.
        first: number of the first post, so that parts of a sequence give what the whole gives.

    Returns:
        The places of the posts that had what was removed, ascending, and the stripped posts.
    """
    places, stripped = [], []
    for place, post in enumerate(posts):
        turn = int((first + place) * share)
        if turn == int((first + place + 1) * share):
            continue
        left = _STRIPPED[turn % len(_STRIPPED)](post)
        if left != post:
            places.append(place)
            stripped.append(left)
    return places, stripped
