"""Fingerprints that recognise the same picture after rescaling and recompression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NO_KEY = 0
"""The fingerprint of a post without a picture, or of one that resembles too many others."""
NO_COLOURS = bytes(12)
"""The colour signature that goes with `NO_KEY`."""
_HASH_SIZE_PX = 32


def _thumbnail(image: Image.Image) -> NDArray[np.float64]:
    grey = image.convert("L").resize((_HASH_SIZE_PX, _HASH_SIZE_PX), Image.Resampling.BOX)
    return np.asarray(grey, np.float64)


def _cosines(rows: int, size: int) -> NDArray[np.float64]:
    frequency, position = np.arange(1, rows + 1)[:, None], np.arange(size)[None, :]
    return np.asarray(np.cos(np.pi * frequency * (2 * position + 1) / (2 * size)))


_DCT = _cosines(8, _HASH_SIZE_PX)


def perceptual_hash(image: Image.Image) -> int:
    """Return 64 bits that describe a picture's shapes; nearly all survive rescaling and recompression.

    The picture is shrunk to 32 × 32 greys; bit (i, j) says whether its two-dimensional cosine coefficient of
    frequency (i + 1, j + 1) is above the median of the 64. Frequency 0, the brightness, is not used.
    """
    coefficients = _DCT @ _thumbnail(image) @ _DCT.T  # (8, 8)
    bits = (coefficients > np.median(coefficients)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def colour_signature(image: Image.Image) -> bytes:
    """Return the mean red, green and blue of a picture's four quarters, 12 bytes.

    The perceptual hash sees only shapes; the signature tells apart the same shapes in other colours.
    """
    return image.resize((2, 2), Image.Resampling.BOX).tobytes()


def is_flat(image: Image.Image) -> bool:
    """Return whether a picture has (nearly) one colour, so that its perceptual hash means nothing."""
    thumbnail = _thumbnail(image)
    return float(thumbnail.max() - thumbnail.min()) < 8
