"""The posts that a probe asks about: given ones, or drawn from what a model remembers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import moment, to_queries

_WORDS, _FIELD, _SIDE_PX = (3, 25), 8, 256
_WITH_PICTURE, _WITH_USER = 0.8, 0.8


def drawn_posts(memory: PostMemory, count: int, seed: int = 0) -> list[Post]:
    """Return posts of a model's own users, captioned with its own hashtags as words, with pictures of soft colours.

    Args:
        memory: of the model; it remembers neither captions nor pictures.
        count: how many posts, with ids `probe 0`, `probe 1` and so on.
        seed: of the draw.
    """
    draw, names = np.random.default_rng(seed), memory.id_map.names
    users = memory.user_ids
    posts = []
    for number in range(count):
        words = [names[int(index)] for index in draw.integers(len(names), size=draw.integers(*_WORDS))]
        user = users[int(draw.integers(len(users)))] if len(users) and draw.random() < _WITH_USER else None
        picture = _picture(draw) if draw.random() < _WITH_PICTURE else None
        posts.append(Post(post_id=f"probe {number}", user_id=user, caption=" ".join(words), image=picture))
    return posts


def as_questions(system: System, memory: PostMemory, posts: Sequence[Post]) -> list[Post]:
    """Return posts as `System.rank` takes them, without their own hashtags."""
    return to_queries(posts, False, profile_of(system.config), moment(memory.now_us), not system.opens_images)[0]


def _picture(draw: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture (S, S, 3): a few colours that run into each other, as if out of focus."""
    from PIL import Image

    field = draw.integers(0, 256, (_FIELD, _FIELD, 3), np.uint8)
    return np.asarray(Image.fromarray(field).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC))
