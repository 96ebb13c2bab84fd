"""Colour profiles: colours that a picture does not state in sRGB are converted to it."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_LARGEST_PROFILE = 1 << 22
# Levels, of 255, by which the many profiles that mean sRGB differ from each other.
_SAME_COLOURS = 2
_SPACES = {
    "RGB ": frozenset({"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr"}),
    "GRAY": frozenset({"L", "LA"}),
    "CMYK": frozenset({"CMYK"}),
}
_INPUT_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_PROFILE_ERRORS = (OSError, ValueError, TypeError, AttributeError, ImageCms.PyCMSError)


def transform_to_srgb(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """Return the conversion of a picture's colours to sRGB, from RGB, L or CMYK.

    None if it has no profile, one of sRGB, one that cannot be read, or one of other channels.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _LARGEST_PROFILE:
        return None
    space, transform = _transform(profile)
    return transform if image.mode in _SPACES.get(space, ()) else None


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = opened.profile.xcolor_space
        mode = _INPUT_MODES.get(space)
        if mode is None:
            return space, None
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
        return space, None if _changes_nothing(transform, mode) else transform
    except _PROFILE_ERRORS:
        return "", None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "CMYK":
        return False
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    samples = greys if mode == "L" else np.concatenate([greys, colours], axis=1)
    given = Image.fromarray(samples[:, :, 0] if mode == "L" else samples)
    converted = np.asarray(ImageCms.applyTransform(given, transform), np.int64)
    return int(np.abs(converted - samples).max()) <= _SAME_COLOURS
