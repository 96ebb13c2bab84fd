"""`load_image`: decode a picture, turn it upright and refuse what cannot be used."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from data_loaders.dump_files.opening import FileRefused, open_file
from data_loaders.dump_files.spelling import as_on_disk
from data_loaders.errors import DataError, nearest
from data_loaders.images.formats import formats_for, unknown_format
from data_loaders.images.limits import (
    MAX_PIXELS,
    MOST_FILE_BYTES,
    in_flight,
    too_large,
    too_many_scans,
    too_many_strips,
    working_bytes,
)
from data_loaders.images.modes import image_from_array, to_rgb, upright

ImageSource: TypeAlias = "str | Path | bytes | Image.Image | NDArray[Any]"
ImagePolicy: TypeAlias = Literal["raise", "skip", "blank"]
IMAGE_POLICIES: tuple[str, ...] = ("raise", "skip", "blank")
_HEAD_BYTES = 64
_LONGEST_NAME = 1_000
_BLANK_SIZE_PX = 224
_BLANK_GREY = (128, 128, 128)
# A header in more parts than any program writes; so many take seconds.
_MOST_READS_OF_A_HEADER = 20_000
_MOST_READS = 1_000_000
# The exceptions of Pillow's decoders on damaged files; they have no common base class.
_DECODE_ERRORS: tuple[type[Exception], ...] = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, EOFError, ArithmeticError, AssertionError,
    RuntimeError, SystemError, MemoryError, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


class ImageError(DataError):
    """A picture that cannot be used.

    Attributes:
        reason: `missing`, `outside_dump`, `not_a_file`, `unreadable`, `empty`, `not_an_image`, `too_large`,
            `damaged` or `unsupported`.
    """

    def __init__(self, name: str, reason: str, cause: str) -> None:
        shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
        super().__init__(f"image {shown} cannot be used: {cause}")
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

    The EXIF orientation and the colour profile are applied, transparency becomes white, and an animation is reduced to
    its first frame.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array (see `images.modes.image_from_array`).
        size_hint_px: the size that a later step needs; a large JPEG is decoded at the smallest scale whose shorter
            side is still at least this long.
        policy: for an unusable picture: `raise` an error, `skip` it (returns None), or return a grey `blank`.
        max_pixels: larger pictures are refused by their header alone, before any pixel is decoded; so are those whose
            decoding takes too much memory or time, see `images.limits`.
        root: the folder that a path must be in, see `dump_files.opening.open_file`.

    Raises:
        DataError: the picture is unusable and the policy is `raise`, or the policy is unknown.
    """
    check_policy(policy)
    try:
        with opened_image(source, size_hint_px=size_hint_px, max_pixels=max_pixels, root=root) as image:
            return image
    except ImageError:
        if policy == "raise":
            raise
    if policy == "skip":
        return None
    size = size_hint_px or _BLANK_SIZE_PX
    return Image.new("RGB", (size, size), _BLANK_GREY)


@contextmanager
def opened_image(
    source: ImageSource, *, size_hint_px: int | None = None, max_pixels: int = MAX_PIXELS, root: Path | None = None
) -> Iterator[Image.Image]:
    """Yield what `load_image` returns; other threads that decode wait until its memory is free again.

    Args:
        source: see `load_image`, like the others.
        size_hint_px: the size that a later step needs.
        max_pixels: limit of the picture's size.
        root: the folder that a path must be in.

    Raises:
        ImageError: the picture is unusable.
    """
    with ExitStack() as stack:
        yield _load(source, size_hint_px, max_pixels, root, stack)


def _load(
    source: ImageSource, size_hint_px: int | None, max_pixels: int, root: Path | None, stack: ExitStack
) -> Image.Image:
    if isinstance(source, Image.Image):
        return _decode(source, "given as a Pillow image", size_hint_px, max_pixels, stack)
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels, stack)
    if isinstance(source, bytes):
        name = f"given as {len(source):,} bytes"
        if len(source) > MOST_FILE_BYTES:
            raise ImageError(name, "too_large", f"at most {MOST_FILE_BYTES:,} are read")
        return _open(_MeteredBytes(source), name, size_hint_px, max_pixels, stack)
    if not isinstance(source, (str, Path)):
        accepted = "a path, bytes, a Pillow image or a numpy array"
        raise ImageError(f"given as {type(source).__name__}", "unsupported", f"accepted: {accepted}")
    if source == "":  # a `Path` of it would be the folder that the process is in
        raise ImageError("''", "missing", "the path is empty")
    if str(source).startswith(("http://", "https://")):
        raise ImageError(
            str(source), "unsupported", "pictures are not downloaded; save it and give the path of the file"
        )
    try:
        file = _metered(Path(source), root)
    except FileRefused as error:
        cause = error.cause if error.reason == "missing" else f"the file cannot be opened ({error.cause})"
        raise ImageError(str(source), error.reason, cause) from error
    except OSError as error:
        raise ImageError(str(source), "damaged", _text(error)) from error
    try:
        with file:
            return _open(file, str(source), size_hint_px, max_pixels, stack)
    except OSError as error:  # of the disk
        raise ImageError(str(source), "damaged", _text(error)) from error


def _from_array(array: NDArray[Any], max_pixels: int, stack: ExitStack) -> Image.Image:
    name, pixels = "given as an array", math.prod(array.shape[:2])
    if pixels > max_pixels:
        raise ImageError(name, "too_large", f"{pixels:,} pixels; at most {max_pixels:,} are taken")
    stack.enter_context(in_flight(12 * pixels))
    try:
        return to_rgb(image_from_array(array))
    except ValueError as error:
        raise ImageError(name, "unsupported", str(error)) from error


class _Metered(io.BufferedIOBase):
    """A file that refuses to be read in too many pieces."""

    reads_left = _MOST_READS_OF_A_HEADER

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise OSError("it is in too many parts")
        return super().read(size)


class _MeteredFile(_Metered, io.BufferedReader):
    pass


class _MeteredBytes(_Metered, io.BytesIO):
    pass


def _metered(path: Path, root: Path | None) -> _MeteredFile | _MeteredBytes:
    file = open_file(as_on_disk(path), root, MOST_FILE_BYTES)
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO):
        return _MeteredFile(file.detach())
    with file:  # in an archive
        return _MeteredBytes(file.read())


def _open(
    file: _MeteredFile | _MeteredBytes, name: str, size_hint_px: int | None, max_pixels: int, stack: ExitStack
) -> Image.Image:
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if not head:
        raise ImageError(name, "empty", "the file is empty (0 bytes)")
    excess = too_many_strips(file)
    if excess is not None:
        raise ImageError(name, "too_large", excess)
    try:
        image = Image.open(file, formats=formats_for(head))
        file.reads_left = _MOST_READS
        excess = too_many_scans(image, file)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(name, "too_large", f"more than {max_pixels:,} pixels ({error})") from error
    except UnidentifiedImageError as error:
        reason, cause = unknown_format(head)
        raise ImageError(name, reason, cause) from error
    except _DECODE_ERRORS as error:
        raise ImageError(name, "damaged", f"damaged header ({_text(error)})") from error
    # Closed, because the traceback of an error would keep its pixels in memory.
    with closing(image):
        if excess is not None:
            raise ImageError(name, "too_large", excess)
        return _decode(image, name, size_hint_px, max_pixels, stack)


def _decode(image: Image.Image, name: str, size_hint_px: int | None, max_pixels: int, stack: ExitStack) -> Image.Image:
    if not image.width * image.height:
        raise ImageError(name, "damaged", f"it has no pixels ({image.width} × {image.height})")
    cause = too_large(image, max_pixels)
    if cause is None:
        stack.enter_context(in_flight(working_bytes(image)))
        try:
            if size_hint_px is not None and image.format in ("JPEG", "MPO"):
                image.draft(None, (size_hint_px, size_hint_px))
            image.load()
            # The header can say less than is in the file.
            cause = too_large(image, max_pixels)
            if cause is None:
                picture = to_rgb(upright(image, _DECODE_ERRORS))
                return picture.copy() if picture is image else picture
        except _DECODE_ERRORS as error:
            raise ImageError(name, "damaged", f"truncated or damaged ({_text(error)})") from error
    raise ImageError(name, "too_large", cause)


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
