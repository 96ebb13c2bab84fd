"""Small pictures inside of a page."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from data_loaders.images.loading import ImageSource, load_image

_QUALITY = 72


def inline_picture(source: ImageSource, longest_px: int) -> str | None:
    """Return a picture as a data URL of a small JPEG; None if it cannot be read.

    Args:
        source: a path, bytes, a Pillow image or an array.
        longest_px: the longer side at most.
    """
    image = load_image(source, size_hint_px=longest_px, policy="skip")
    if image is None:
        return None
    image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
