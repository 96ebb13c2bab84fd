"""`load_image`: decode a picture, turn it upright and refuse what cannot be used."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from data_loaders.dump_files import FileRefused, open_file
from data_loaders.errors import DataError, nearest
from data_loaders.images.modes import image_from_array, to_rgb, upright

ImageSource: TypeAlias = "str | Path | bytes | Image.Image | NDArray[Any]"
ImagePolicy: TypeAlias = Literal["raise", "skip", "blank"]
IMAGE_POLICIES: tuple[str, ...] = ("raise", "skip", "blank")
# Pillow's threshold for decompression bombs: a quarter of a gigabyte once decoded.
MAX_PIXELS = 89_478_485
MAX_BYTES = 1 << 28
"""Size of the largest picture file that is opened."""
_BLANK_SIZE_PX = 224
_BLANK_GREY = (128, 128, 128)
# The exceptions of Pillow's decoders on damaged files; they have no common base class.
_DECODE_ERRORS: tuple[type[Exception], ...] = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, AttributeError, EOFError, OverflowError,
    MemoryError, struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


class ImageError(DataError):
    """A picture that cannot be used.

    Attributes:
        reason: `missing`, `outside_dump`, `not_a_file`, `unreadable`, `empty`, `not_an_image`, `too_large`,
            `damaged` or `unsupported`.
    """

    def __init__(self, name: str, reason: str, cause: str) -> None:
        super().__init__(f"image {name} cannot be used: {cause}")
        self.reason = reason


def check_policy(policy: str) -> None:
    """Refuse an unknown image policy.

    Raises:
        DataError: the policy is not one of `IMAGE_POLICIES`.
    """
    if policy not in IMAGE_POLICIES:
        hint = nearest(policy, IMAGE_POLICIES)
        raise DataError(f"image policy {policy!r} is unknown; accepted: {', '.join(IMAGE_POLICIES)}.{hint}")


@overload
def load_image(
    source: ImageSource,
    *,
    size_hint_px: int | None = None,
    policy: Literal["raise", "blank"] = "raise",
    max_pixels: int = MAX_PIXELS,
    root: Path | None = None,
) -> Image.Image: ...


@overload
def load_image(
    source: ImageSource,
    *,
    size_hint_px: int | None = None,
    policy: ImagePolicy,
    max_pixels: int = MAX_PIXELS,
    root: Path | None = None,
) -> Image.Image | None: ...


def load_image(
    source: ImageSource,
    *,
    size_hint_px: int | None = None,
    policy: ImagePolicy = "raise",
    max_pixels: int = MAX_PIXELS,
    root: Path | None = None,
) -> Image.Image | None:
    """Return a picture in RGB, upright.

    The EXIF orientation is applied, transparency becomes white, and an animation is reduced to its first frame.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array (see `images.modes.image_from_array`).
        size_hint_px: the size that a later step needs; a large JPEG is decoded at the smallest scale whose shorter
            side is still at least this long.
        policy: for an unusable picture: `raise` an error, `skip` it (returns None), or return a grey `blank`.
        max_pixels: larger pictures are refused by their header alone, before any pixel is decoded.
        root: the folder that a path must be in, see `dump_files.open_file`.

    Raises:
        DataError: the picture is unusable and the policy is `raise`, or the policy is unknown.
    """
    check_policy(policy)
    try:
        return _load(source, size_hint_px, max_pixels, root)
    except ImageError:
        if policy == "raise":
            raise
    if policy == "skip":
        return None
    size = size_hint_px or _BLANK_SIZE_PX
    return Image.new("RGB", (size, size), _BLANK_GREY)


def _load(source: ImageSource, size_hint_px: int | None, max_pixels: int, root: Path | None) -> Image.Image:
    if isinstance(source, Image.Image):
        return _decode(source, "given as a Pillow image", size_hint_px, max_pixels)
    if isinstance(source, np.ndarray):
        try:
            return to_rgb(image_from_array(source))
        except ValueError as error:
            raise ImageError("given as an array", "unsupported", str(error)) from error
    if isinstance(source, bytes):
        return _open(BytesIO(source), f"given as {len(source):,} bytes", size_hint_px, max_pixels)
    if not isinstance(source, (str, Path)):
        accepted = "a path, bytes, a Pillow image or a numpy array"
        raise ImageError(f"given as {type(source).__name__}", "unsupported", f"accepted: {accepted}")
    if str(source).startswith(("http://", "https://")):
        raise ImageError(
            str(source), "unsupported", "pictures are not downloaded; save it and give the path of the file"
        )
    try:
        with open_file(Path(source), root, MAX_BYTES) as file:
            return _open(file, str(source), size_hint_px, max_pixels)
    except FileRefused as error:
        cause = error.cause if error.reason == "missing" else f"the file cannot be opened ({error.cause})"
        raise ImageError(str(source), error.reason, cause) from error


def _open(file: Any, name: str, size_hint_px: int | None, max_pixels: int) -> Image.Image:
    head = file.read(16)
    file.seek(0)
    if not head:
        raise ImageError(name, "empty", "the file is empty (0 bytes)")
    try:
        image = Image.open(file)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(name, "too_large", f"more than {max_pixels:,} pixels ({error})") from error
    except UnidentifiedImageError as error:
        cause = f"not a picture in a known format such as JPEG, PNG or WebP (it starts with {head!r})"
        raise ImageError(name, "not_an_image", cause) from error
    except _DECODE_ERRORS as error:
        raise ImageError(name, "damaged", f"damaged header ({_text(error)})") from error
    with image:
        return _decode(image, name, size_hint_px, max_pixels)


def _decode(image: Image.Image, name: str, size_hint_px: int | None, max_pixels: int) -> Image.Image:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(name, "too_large", f"{width:,} × {height:,} pixels; at most {max_pixels:,} are decoded")
    if not width * height:
        raise ImageError(name, "damaged", f"it has no pixels ({width} × {height})")
    try:
        if size_hint_px is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (size_hint_px, size_hint_px))
        image.load()
        picture = to_rgb(upright(image, _DECODE_ERRORS))
    except _DECODE_ERRORS as error:
        raise ImageError(name, "damaged", f"truncated or damaged ({_text(error)})") from error
    return picture.copy() if picture is image else picture


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
