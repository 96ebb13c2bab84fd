"""`PostTable`: the posts of a prepared folder as columns; each `Post` is built on access."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_loaders.errors import DataError
from data_loaders.posts import UNDATED_EPOCH_US, Post

_NEEDED = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags", "sequence", "split", "duplicate_group")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ROWS = 4_096


class PostTable(Sequence[Post]):
    """All or some posts of a prepared folder, in its order.

    Args:
        table: columns of `posts.parquet`.
        path: that file, for columns that are read on demand.
        folder: the folder that image paths are relative to, resolved.
    """

    def __init__(self, table: pa.Table, path: Path, folder: str) -> None:
        self._table = table
        self._path = path
        self._folder = folder

    @classmethod
    def read(cls, path: Path, folder: Path) -> PostTable:
        """Read the posts of a Parquet file.

        Raises:
            DataError: the file is damaged.
        """
        # Resolved, so that ".." in image paths works through symbolic links too.
        return cls(_read(path, list(_NEEDED)).combine_chunks(), path, str(folder.resolve()))

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, row: int) -> Post: ...

    @overload
    def __getitem__(self, row: slice) -> PostTable: ...

    def __getitem__(self, row: int | slice) -> Post | PostTable:
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            if step == 1:
                return PostTable(self._table.slice(start, max(stop - start, 0)), self._path, self._folder)
            return self.take(np.arange(start, stop, step))
        row = int(row)
        if not -len(self) <= row < len(self):
            raise IndexError(f"post {row} of {len(self):,}")
        return next(_posts(self._table.slice(row % len(self), 1), self._folder))

    def __iter__(self) -> Iterator[Post]:
        for start in range(0, len(self), _ROWS):
            yield from _posts(self._table.slice(start, _ROWS), self._folder)

    def __repr__(self) -> str:
        return f"PostTable({len(self):,} posts of {self._path})"

    def take(self, rows: NDArray[np.int64] | Sequence[int]) -> PostTable:
        """Return the posts at `rows`, in that order."""
        return PostTable(self._table.take(pa.array(np.asarray(rows, np.int64))), self._path, self._folder)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column of `posts.parquet` for these posts.

        Raises:
            DataError: there is no column of that name.
        """
        if name in self._table.column_names:
            return self._table.column(name)
        known = pq.read_schema(self._path).names
        if name not in known:
            raise DataError(f"posts have no column {name!r}; accepted: {', '.join(known)}")
        return _read(self._path, [name]).column(name).take(self._table.column("sequence"))

    def with_captions(self, captions: Sequence[str | None]) -> PostTable:
        """Return the same posts with other captions.

        Args:
            captions: one per post; blank ones count as missing.
        """
        texts = pa.array([caption if caption and caption.strip() else None for caption in captions], pa.large_string())
        index = self._table.column_names.index("caption")
        return PostTable(self._table.set_column(index, "caption", texts), self._path, self._folder)

    def with_images(self, images: Sequence[Path | None]) -> PostTable:
        """Return the same posts with their pictures elsewhere.

        Args:
            images: one path per post.
        """
        paths = pa.array([None if image is None else str(image) for image in images], pa.string())
        index = self._table.column_names.index("image")
        return PostTable(self._table.set_column(index, "image", paths), self._path, self._folder)

    @property
    def instants_us(self) -> NDArray[np.int64]:
        """(N,) `Post.instant_us` of every post."""
        undated = self.column("timestamp").is_null().to_numpy()
        instants = self.column("timestamp").cast(pa.int64()).fill_null(0).to_numpy()
        return np.asarray(np.where(undated, UNDATED_EPOCH_US + self.column("sequence").to_numpy(), instants))


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _objects(column: pa.ChunkedArray) -> list[Any]:
    return list(column.to_numpy(zero_copy_only=False)) if len(column) else []


def _hashtags(column: pa.ChunkedArray) -> Iterator[tuple[str, ...]]:
    for chunk in column.chunks:
        ends = chunk.offsets.to_pylist()
        tags = _objects(pa.chunked_array([chunk.values.slice(ends[0], ends[-1] - ends[0])])) if len(chunk) else []
        for start, end in pairwise(ends):
            yield tuple(tags[start - ends[0] : end - ends[0]])


def _posts(table: pa.Table, folder: str) -> Iterator[Post]:
    columns = zip(
        _objects(table.column("post_id")),
        _objects(table.column("user_id")),
        table.column("timestamp").cast(pa.int64()).to_pylist(),
        _objects(table.column("caption")),
        _objects(table.column("image")),
        _hashtags(table.column("hashtags")),
        table.column("sequence").to_pylist(),
        strict=True,
    )
    for post_id, user_id, instant, caption, image, hashtags, sequence in columns:
        yield Post(
            post_id=post_id,
            user_id=user_id,
            timestamp=None if instant is None else _EPOCH + timedelta(microseconds=instant),
            caption=caption,
            image=None if image is None else Path(os.path.normpath(os.path.join(folder, image))),  # noqa: PTH118
            hashtags=hashtags,
            sequence=sequence,
        )
