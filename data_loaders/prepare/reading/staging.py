"""`Staging`: a temporary file of posts in the order of the dump."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from data_loaders.posts import Post, instant_us
from data_loaders.prepare.folder_format import TAGS, TEXT

STAGING_SCHEMA = pa.schema(
    [
        ("post_id", pa.string()),
        ("user_id", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("caption", TEXT),
        ("caption_original", TEXT),
        ("image", pa.string()),
        ("hashtags", TAGS),
        ("hashtags_surface", TAGS),
        ("where", pa.string()),
    ]
)
_ROWS = 8_192
_CHARACTERS = 32_000_000


class Staging:
    """An uncompressed Arrow file of posts in dump order; a context manager while it is written.

    Args:
        path: the file, overwritten if it exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pa.ipc.new_file(str(path), STAGING_SCHEMA)
        self._rows: list[tuple[Any, ...]] = []
        self._characters = 0

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(
        self, post: Post, caption_original: str | None, image: str | None, surface: tuple[str, ...], where: str
    ) -> None:
        """Append one post.

        Args:
            post: the post as it will be trained on.
            caption_original: its caption before hashtags were removed.
            image: the picture's path in the prepared folder.
            surface: the surface forms of its hashtags.
            where: file and line.
        """
        instant = None if post.timestamp is None else instant_us(post.timestamp)
        self._rows.append(
            (post.post_id, post.user_id, instant, post.caption, caption_original, image, post.hashtags, surface, where)
        )
        self._characters += len(caption_original or "")
        if len(self._rows) >= _ROWS or self._characters >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(list(column), field.type) for column, field in zip(columns, STAGING_SCHEMA, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=STAGING_SCHEMA))
        self._rows, self._characters = [], 0
