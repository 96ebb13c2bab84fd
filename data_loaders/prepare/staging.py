"""`Staging`: a temporary file of posts, written in dump order and read in another order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_loaders.posts import Post, instant_us
from data_loaders.prepare.folder_format import TAGS, TEXT

_SCHEMA = pa.schema(
    [
        ("post_id", pa.string()),
        ("user_id", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("caption", TEXT),
        ("caption_original", TEXT),
        ("image", pa.string()),
        ("hashtags", TAGS),
        ("hashtags_surface", TAGS),
    ]
)
_ROWS = 8_192
_ROWS_OF_A_MAP = 64 * _ROWS
_CHARACTERS = 32_000_000


class Staging:
    """An uncompressed Arrow file of posts in dump order; a context manager while it is written.

    Args:
        path: the file, overwritten if it exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pa.ipc.new_file(str(path), _SCHEMA)
        self._rows: list[tuple[Any, ...]] = []
        self._characters = 0

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, post: Post, caption_original: str | None, image: str | None, surface: tuple[str, ...]) -> None:
        """Append one post.

        Args:
            post: the post as it will be trained on.
            caption_original: its caption before hashtags were removed.
            image: the picture's path in the prepared folder.
            surface: the surface forms of its hashtags.
        """
        instant = None if post.timestamp is None else instant_us(post.timestamp)
        self._rows.append(
            (post.post_id, post.user_id, instant, post.caption, caption_original, image, post.hashtags, surface)
        )
        self._characters += len(caption_original or "")
        if len(self._rows) >= _ROWS or self._characters >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(list(column), field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))
        self._rows, self._characters = [], 0

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink()

    def in_order(self, order: NDArray[np.int64]) -> Iterator[tuple[int, pa.Table]]:
        """Yield the posts at positions `order`, a few thousand at a time, each time with the index of the first.

        The file is memory-mapped, so only the yielded posts need to fit in memory; it is mapped again from time to
        time, since what was read before counts as memory in use.
        """
        for start in range(0, len(order), _ROWS_OF_A_MAP):
            with pa.memory_map(str(self._path)) as source:
                reader = pa.ipc.open_file(source)
                batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
                starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
                for first in range(start, min(start + _ROWS_OF_A_MAP, len(order)), _ROWS):
                    yield first, _take(batches, starts, order[first : first + _ROWS])


def _take(batches: list[pa.RecordBatch], starts: NDArray[np.int64], rows: NDArray[np.int64]) -> pa.Table:
    batch_of = np.searchsorted(starts, rows, side="right") - 1
    by_batch = np.argsort(batch_of, kind="stable")
    numbers, begins = np.unique(batch_of[by_batch], return_index=True)
    pieces = [
        batches[number].take(pa.array(rows[part] - starts[number]))
        for number, part in zip(numbers, np.split(by_batch, begins[1:]), strict=True)
    ]
    table = pa.Table.from_batches(pieces, _SCHEMA).combine_chunks()
    return table.take(pa.array(np.argsort(by_batch)))
