"""What decoding a picture costs, and how much of that is done at the same time."""

from __future__ import annotations

import os
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from PIL import Image

# Pillow's threshold for decompression bombs: a quarter of a gigabyte once decoded, at three bytes per pixel.
MAX_PIXELS = 89_478_485
MOST_DECODED_BYTES = 1 << 28
"""Bytes of the largest picture in its own format: pixels times channels times bytes per channel."""
MOST_FILE_BYTES = 1 << 28
MOST_WORKING_BYTES = 5 << 28
"""Memory of all pictures that are being decoded at the same time: one of a phone, 50 megapixels in HEIC, fits in it."""
# The picture, turned upright, and in RGB, at Pillow's four bytes per pixel each.
_WORKING_BYTES = 12
# What decoders need on top, measured; JPEG 2000 and what Pillow decodes in Python are also slow.
_WORKING_BYTES_OF = {"WEBP": 24, "AVIF": 22, "HEIF": 22, "JPEG2000": 40}
_MOST_PIXELS_IN_PYTHON = 2_000_000
# A JPEG of a few kilobytes can go over all of its pixels thousands of times; programs write about ten scans.
_MOST_SCANNED_PIXELS = 2_000_000_000
_WIDE_CHANNELS = re.compile(r"(?!BGR).*;(16|32|64)[A-Z]*")
# Where strips and tiles are and how long; Pillow keeps some hundred bytes for each.
_STRIP_TAGS = frozenset({273, 279, 324, 325})
_MOST_STRIPS = 300_000
# Shrinking a line takes eight bytes for each of its pixels, on top.
_LONGEST_SIDE_PX = 1_000_000
_SCAN = b"\xff\xda"
_CHUNK_BYTES = 1 << 20


def too_large(image: Image.Image, max_pixels: int = MAX_PIXELS) -> str | None:
    """Return why an opened picture is not decoded; None if it is."""
    width, height = image.size
    pixels, size = width * height, f"{width:,} × {height:,} pixels"
    if pixels > max_pixels:
        return f"{size}; at most {max_pixels:,} are decoded"
    if max(image.size) > _LONGEST_SIDE_PX:
        return f"{size}; at most {_LONGEST_SIDE_PX:,} on a side are decoded"
    decoded = pixels * _bytes_per_pixel(image)
    if decoded > MOST_DECODED_BYTES:
        return f"{size} take {decoded >> 20:,} MiB; at most {MOST_DECODED_BYTES >> 20} are decoded"
    if working_bytes(image) > MOST_WORKING_BYTES:
        most = MOST_WORKING_BYTES // _WORKING_BYTES_OF.get(image.format or "", _WORKING_BYTES)
        return f"{size}; at most {most:,} are decoded from {image.format}"
    if pixels > _MOST_PIXELS_IN_PYTHON and _is_decoded_in_python(image):
        return (
            f"{size}; at most {_MOST_PIXELS_IN_PYTHON:,} are decoded from this variant of {image.format}, which is slow"
        )
    return None


def working_bytes(image: Image.Image) -> int:
    """Return an upper estimate of the memory that decoding and converting takes."""
    if image.format == "ICO":
        # The picture within is not always of the size that the file says; Pillow refuses twice its threshold.
        return 2 * MAX_PIXELS * 4
    return image.width * image.height * _WORKING_BYTES_OF.get(image.format or "", _WORKING_BYTES)


def too_many_scans(image: Image.Image, file: IO[bytes]) -> str | None:
    """Return why a JPEG is not decoded; None if it is, or is in another format. The file's position is kept."""
    if image.format not in ("JPEG", "MPO"):
        return None
    position, scans, last = file.tell(), 0, b""
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        scans += (last + chunk).count(_SCAN)
        last = chunk[-1:]
    file.seek(position)
    # A thumbnail within has a scan of its own.
    if scans > 10 and scans * image.width * image.height > _MOST_SCANNED_PIXELS:
        return f"its {image.width:,} × {image.height:,} pixels are in {scans:,} scans; programs write about 10"
    return None


def too_many_strips(file: IO[bytes]) -> str | None:
    """Return why a TIFF is not opened; None if it is, or is in another format. The file's position is kept."""
    position, most = file.tell(), 0
    with suppress(struct.error, OverflowError, OSError):  # a damaged header; Pillow says so better
        most = max(_strip_counts(file), default=0)
    file.seek(position)
    return f"it is in {most:,} strips or tiles; at most {_MOST_STRIPS:,} are read" if most > _MOST_STRIPS else None


def _strip_counts(file: IO[bytes]) -> list[int]:
    head = file.read(16)
    if head[:2] not in (b"II", b"MM"):
        return []
    order, big = "<" if head[:2] == b"II" else ">", 43 in head[2:4]
    file.seek(*struct.unpack_from(order + "Q" if big else order + "I", head, 8 if big else 4))
    (entries,) = struct.unpack(order + "Q" if big else order + "H", file.read(8 if big else 2))
    form = order + ("HHQQ" if big else "HHII")
    tags = file.read(min(entries, 1 << 16) * struct.calcsize(form))
    whole = tags[: len(tags) // struct.calcsize(form) * struct.calcsize(form)]
    return [count for tag, _, count, _ in struct.iter_unpack(form, whole) if tag in _STRIP_TAGS]


class _InFlight:
    """Memory of the pictures that are being decoded in this process, by any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._used = 0

    @contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Wait until `count` more bytes fit into `MOST_WORKING_BYTES`, or nothing else is being decoded."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + count <= MOST_WORKING_BYTES)
            self._used += count
        try:
            yield
        finally:
            with self._changed:
                self._used -= count
                self._changed.notify_all()


_in_flight = _InFlight()


def _reset_after_fork() -> None:
    # A forked process has none of the threads that would give back what they hold.
    global _in_flight
    _in_flight = _InFlight()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


@contextmanager
def in_flight(count: int) -> Iterator[None]:
    """Decode within this block: it waits until `count` more bytes of pictures may be in memory."""
    with _in_flight.hold(count):
        yield


def _bytes_per_pixel(image: Image.Image) -> int:
    modes = [image.mode, *(text for tile in _first_tiles(image) for text in _texts(tile[3]))]
    wide = (int(match[1]) // 8 for mode in modes if (match := _WIDE_CHANNELS.fullmatch(mode)))
    channel = max(4 if image.mode in ("I", "F") else 1, *wide, 1)
    return channel * len(image.getbands())


def _is_decoded_in_python(image: Image.Image) -> bool:
    return any(tile[0] in Image.DECODERS for tile in _first_tiles(image))


def _first_tiles(image: Image.Image) -> list[Any]:
    return list(getattr(image, "tile", ())[:4])


def _texts(args: object) -> list[str]:
    values = args if isinstance(args, tuple) else (args,)
    return [value for value in values if isinstance(value, str)]
