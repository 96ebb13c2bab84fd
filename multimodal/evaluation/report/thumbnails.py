"""Small pictures inside the page."""

from __future__ import annotations

from data_loaders.images.inline import inline_picture
from data_loaders.posts import Post

_LONGEST_PX = 420


def thumbnail(post: Post) -> str | None:
    """Return the post's picture as a data URI of a small JPEG; None if it has none that can be read."""
    return None if post.image is None else inline_picture(post.image, _LONGEST_PX)
