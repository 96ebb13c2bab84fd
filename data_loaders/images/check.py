"""Open every picture of a dump once, to check that it is usable and to compute its fingerprint."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from data_loaders.images.fingerprints import NO_COLOURS, NO_KEY, colour_signature, is_flat, perceptual_hash
from data_loaders.images.loading import ImageError, opened_image

# Enough detail for the perceptual hash: a large JPEG is decoded at an eighth of its size.
_SIZE_HINT_PX = 64
_MOST_THREADS = 8
_REMEMBERED = 1_024


@dataclass(frozen=True)
class ImageReport:
    """The result of checking one picture.

    Attributes:
        key: perceptual hash; `NO_KEY` for a picture of one colour, which resembles every other such picture.
        colours: colour signature; `NO_COLOURS` without a key.
        error: why the picture cannot be used; None when it can.
        digest: SHA-256 of a picture that was given as bytes.
    """

    key: int = NO_KEY
    colours: bytes = NO_COLOURS
    error: ImageError | None = None
    digest: str | None = None


def content_digest(content: bytes) -> str:
    """Return the SHA-256 of a picture file, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def inspect_image(picture: Path | bytes, root: Path | None = None) -> ImageReport:
    """Decode one picture and return its report; one that is not in the folder `root`, if given, is refused."""
    try:
        with opened_image(picture, size_hint_px=_SIZE_HINT_PX, root=root) as image:
            if is_flat(image):
                return ImageReport()
            return ImageReport(key=perceptual_hash(image) or 1, colours=colour_signature(image))
    except ImageError as error:
        # Where it was raised the picture is still in memory.
        error.__cause__ = error.__context__ = None
        return ImageReport(error=error.with_traceback(None))


class ImageInspector:
    """Inspects pictures in parallel threads (Pillow releases the GIL while decoding); a context manager.

    A picture that comes again among the next thousand different ones, by its path or its bytes, is not opened again.
    """

    def __init__(self) -> None:
        self._reports: dict[Path | str, Future[ImageReport]] = {}
        self._pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))

    def __enter__(self) -> ImageInspector:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def inspect(self, pictures: Sequence[Path | bytes | None], root: Path | None = None) -> list[ImageReport]:
        """Return one report per picture, in order; an empty report for None.

        Args:
            pictures: paths, or the bytes of files.
            root: the folder that they must be in; None for anywhere.
        """
        keys = [content_digest(one) if isinstance(one, bytes) else one for one in pictures]
        futures = [
            None if one is None or key is None else self._report(one, key, root)
            for one, key in zip(pictures, keys, strict=True)
        ]
        return [
            ImageReport() if future is None else replace(future.result(), digest=key if isinstance(key, str) else None)
            for future, key in zip(futures, keys, strict=True)
        ]

    def _report(self, picture: Path | bytes, key: Path | str, root: Path | None) -> Future[ImageReport]:
        report = self._reports.pop(key, None)
        if report is None:
            report = self._pool.submit(inspect_image, picture, root)
        self._reports[key] = report
        if len(self._reports) > _REMEMBERED:
            del self._reports[next(iter(self._reports))]
        return report
