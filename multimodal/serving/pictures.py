"""Pictures of requests: from base64 to bytes, checked before they reach the model."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.loading import load_image
from multimodal.serving.errors import ServiceError
from multimodal.serving.settings import Limits

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
        ServiceError: it is not base64.
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
    return _checked(picture, most_pixels, size_px)[0]


class Pictures:
    """The pictures of one request, which a few bytes each can make the work of minutes.

    Args:
        limits: of a request.
        size_px: at which the model reads pictures; None where that is not known.
        disconnected: returns whether nobody waits for the answer any more.
    """

    def __init__(
        self, limits: Limits, size_px: int | None = None, disconnected: Callable[[], bool] = lambda: False
    ) -> None:
        self._limits, self._size_px, self._disconnected = limits, size_px, disconnected
        self._pixels = 0

    def checked(self, picture: bytes) -> bytes | NDArray[np.uint8]:
        """Return a picture as the function does.

        Raises:
            ImageError: it cannot be used, or has too many pixels.
            ServiceError: the ones before had too many together (422), or nobody waits (499).
        """
        if self._disconnected():
            raise ServiceError(499, "the client has left.")
        most = self._limits.request_pixels
        if self._pixels > most:
            raise ServiceError(
                422, f"image: the pictures of a request have over {most:,} pixels; send fewer at a time."
            )
        kept, pixels = _checked(picture, self._limits.pixels, self._size_px)
        self._pixels += pixels
        return kept


def _checked(picture: bytes, most_pixels: int, size_px: int | None) -> tuple[bytes | NDArray[np.uint8], int]:
    """Return a picture as it is kept, and how many pixels were decoded."""
    image = load_image(picture, size_hint_px=size_px or _CHECK_SIZE_PX, max_pixels=most_pixels)
    pixels = image.width * image.height
    small = size_px is not None and pixels <= max(_LARGEST_KEPT * size_px**2, _ALWAYS_KEPT)
    return (np.asarray(image) if small else picture), pixels
