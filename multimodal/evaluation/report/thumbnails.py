"""Small pictures inside the page."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from data_loaders.images.loading import load_image
from data_loaders.posts import Post

_LONGEST_PX = 420
_QUALITY = 72


def thumbnail(post: Post) -> str | None:
    """Return the post's picture as a data URI of a small JPEG; None if it has none that can be read."""
    if post.image is None:
        return None
    image = load_image(post.image, size_hint_px=_LONGEST_PX, policy="skip")
    if image is None:
        return None
    image.thumbnail((_LONGEST_PX, _LONGEST_PX), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
