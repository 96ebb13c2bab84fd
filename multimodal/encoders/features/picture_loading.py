"""`Pictures`: the pictures of posts, decoded in this process or by DataLoader workers, to the same pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from data_loaders.errors import DataError
from data_loaders.images.loading import opened_image
from data_loaders.posts import Post
from multimodal.distributed.processes import process_count
from multimodal.encoders.features.batches_ahead import batches_ahead
from multimodal.encoders.features.feature_cache import image_key
from multimodal.encoders.features.unusable_pictures import leave_out
from multimodal.encoders.preprocessing import ImagePreprocessing

_MOST_WORKERS = 12


def worker_count(configured: int | None) -> int:
    """Return the number of workers that each process starts.

    Args:
        configured: at least 0; None for one less than the processors this process may use, at most 12.
    """
    if configured is not None:
        return configured
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(processors // process_count() - 1, _MOST_WORKERS), 0)


class Pictures:
    """The pictures of N posts, read on demand. Worker processes get a copy of it.

    Attributes:
        left_out: rows whose picture turned out to be unusable; only those of prepared posts, others raise.
    """

    def __init__(self, preprocessing: ImagePreprocessing, posts: Sequence[Post]) -> None:
        self.preprocessing = preprocessing
        self._sources = [post.image for post in posts]
        self._post_ids = [post.post_id for post in posts]
        self._prepared = [post.sequence is not None and isinstance(post.image, (str, Path)) for post in posts]
        self.left_out: set[int] = set()

    def read(self, row: int) -> Tensor:
        """Return one picture as the encoder takes it, (3, S, S) uint8.

        Raises:
            DataError: the picture cannot be used; the message names the post if there are several.
        """
        source = self._sources[row]
        if source is None:
            raise DataError(f"post {self._post_ids[row]!r} has no picture")
        try:
            with opened_image(source, size_hint_px=self.preprocessing.size_px) as image:
                return self.preprocessing(image)
        except DataError as error:
            if len(self._sources) == 1:
                raise
            raise DataError(f"post {self._post_ids[row]!r}: {error}") from error

    def leave_out(self, row: int, error: DataError) -> None:
        """Take the post of a row for one without a picture.

        Raises:
            DataError: `error`, if the post is not from a prepared folder.
        """
        if not self._prepared[row]:
            raise error
        self.left_out.add(row)
        leave_out(self._post_ids[row], str(error))

    def find(self, row: int) -> str | None:
        """Return the key of a picture file for the cache, without opening it; None if it is left out or is not a file.

        Raises:
            DataError: the picture of a post that is not from a prepared folder has gone.
        """
        source = self._sources[row]
        if not isinstance(source, (str, Path)):
            return None
        try:
            return image_key(source)
        except DataError as error:
            self.leave_out(row, error)
            return None

    def read_or_leave_out(self, row: int) -> Tensor | None:
        """Return what `read` does; None for an unusable picture of a prepared post.

        Raises:
            DataError: the picture of another post cannot be used.
        """
        try:
            return self.read(row)
        except DataError as error:
            self.leave_out(row, error)
            return None

    def batches(self, batches: Sequence[Sequence[int]], workers: int) -> Iterator[Tensor]:
        """Yield the pictures of each batch of rows, (B, 3, S, S) uint8, in the order of the batches; zeros if left out.

        Args:
            batches: rows with a picture; none is empty.
            workers: processes that decode; 0 for this one.

        Raises:
            DataError: a picture cannot be used; see `read`.
            RunError: a worker died.
        """
        made = batches_ahead(self._stacked, [list(rows) for rows in batches], workers, pinned=False)
        for rows, (pixels, errors) in zip(batches, made, strict=True):
            for index, cause in errors.items():
                self.leave_out(rows[index], DataError(cause))
            yield pixels

    def _stacked(self, rows: list[int]) -> tuple[Tensor, dict[int, str]]:
        """Return pictures, (B, 3, S, S), with zeros where one cannot be used, and why not by position."""
        pixels = torch.zeros(len(rows), 3, self.preprocessing.size_px, self.preprocessing.size_px, dtype=torch.uint8)
        errors: dict[int, str] = {}
        for index, row in enumerate(rows):
            try:
                pixels[index] = self.read(row)
            except DataError as error:
                errors[index] = str(error)
        return pixels, errors


class PicturesAhead:
    """Batches of pictures (see `Pictures.batches`), decoded ahead and taken in order; some may be skipped."""

    def __init__(self, pictures: Pictures, batches: Sequence[Sequence[int]], workers: int) -> None:
        self._turns = {tuple(rows): turn for turn, rows in enumerate(batches)}
        self._pixels = pictures.batches(batches, workers)
        self._next_turn = 0

    def take(self, rows: Sequence[int]) -> Tensor | None:
        """Return the pictures of a batch, (B, 3, S, S); None if it is not among the remaining ones."""
        turn = self._turns.get(tuple(rows), -1)
        if turn < self._next_turn:
            return None
        for _ in range(turn - self._next_turn):
            next(self._pixels)
        self._next_turn = turn + 1
        return next(self._pixels)
