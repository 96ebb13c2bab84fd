"""Pictures of requests: from base64 to bytes, checked before they reach the model."""

from __future__ import annotations

import base64
import binascii
import re

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.loading import load_image
from multimodal.serving.errors import ServiceError

_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII)
_ADDRESS = re.compile(r"\s*(https?|ftp|file)://", re.IGNORECASE)
# A queue of pictures takes no more memory than one of their files: of a JPEG that is decoded at a reduced scale, the
# shorter side is less than twice the size.
_LARGEST_KEPT, _ALWAYS_KEPT = 8, 1 << 18
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


def checked(picture: bytes, most_pixels: int, size_px: int | None = None) -> bytes | NDArray[np.uint8]:
    """Return a picture that can be decoded; where it is small then, its pixels (H, W, 3), so that it is decoded once.

    Args:
        picture: the file.
        most_pixels: that it may have.
        size_px: at which it is read later; None where that is not known.

    Raises:
        ImageError: it cannot be used, or has more pixels.
    """
    image = load_image(picture, size_hint_px=size_px or _CHECK_SIZE_PX, max_pixels=most_pixels)
    small = size_px is not None and image.width * image.height <= max(_LARGEST_KEPT * size_px**2, _ALWAYS_KEPT)
    return np.asarray(image) if small else picture
