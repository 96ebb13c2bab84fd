"""Pictures of requests: from base64 to bytes, checked before they reach the model."""

from __future__ import annotations

import base64
import binascii
import re

from data_loaders.images.loading import load_image
from multimodal.serving.errors import ServiceError

_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII)
_ADDRESS = re.compile(r"\s*(https?|ftp|file)://", re.IGNORECASE)
# An eighth of a large JPEG is enough to see that it can be decoded.
_CHECK_SIZE_PX = 64


def decoded(text: str, name: str = "image") -> bytes:
    """Return the bytes of a picture.

    Raises:
        ServiceError: it is no base64.
    """
    if _ADDRESS.match(text):
        raise ServiceError(422, f"{name}: an address was given; no picture is fetched, so send the picture itself.")
    start = _DATA_URL.match(text)
    try:
        return base64.b64decode(text[start.end() if start else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise ServiceError(422, f"{name}: not base64; give the bytes of a picture file in base64.") from None


def checked(picture: bytes, most_pixels: int) -> bytes:
    """Return a picture that can be decoded.

    Raises:
        ImageError: it cannot be used, or has more pixels.
    """
    load_image(picture, size_hint_px=_CHECK_SIZE_PX, max_pixels=most_pixels)
    return picture
