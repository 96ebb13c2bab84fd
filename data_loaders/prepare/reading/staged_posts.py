"""`StagedPosts`: the staged posts of all parts of a dump, read in another order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_loaders.prepare.folder_format import PICTURES_FOLDER
from data_loaders.prepare.post_index import Flags, Ints
from data_loaders.prepare.reading.staging import STAGING_SCHEMA

_ROWS = 8_192
# Posts that are looked for in all parts at once: the fewer, the more often each part is opened.
_ROWS_AT_ONCE = 16 * _ROWS


class StagedPosts:
    """The posts that are kept, one part after the other.

    Args:
        files: the files of the parts, see `Staging`.
        kept: for each part, which of its posts are kept.
    """

    def __init__(self, files: Sequence[Path], kept: Sequence[Flags]) -> None:
        self._files, self._kept = files, kept
        self._starts = np.cumsum([0, *(int(rows.sum()) for rows in kept)])

    def in_order(self, order: Ints) -> Iterator[tuple[int, pa.Table]]:
        """Yield the posts at positions `order`, a few thousand at a time, each time with the index of the first.

        The files are memory-mapped for a while each, since what was read before counts as memory in use.
        """
        for start in range(0, len(order), _ROWS_AT_ONCE):
            table = self._take(order[start : start + _ROWS_AT_ONCE])
            for first in range(0, len(table), _ROWS):
                yield start + first, table.slice(first, _ROWS).combine_chunks()

    def ids(self, order: Ints) -> pa.Array:
        """Return the ids of the posts at positions `order`, without reading their other columns."""
        return self._take(order, ["post_id"]).column("post_id").combine_chunks()

    def refused(self, part: int) -> list[tuple[int, str, str]]:
        """Return place in the part, id, and file and line of the posts of a part that are not kept."""
        rows = np.flatnonzero(~self._kept[part])
        if not len(rows):
            return []
        table = self._rows(part, rows)
        columns = (table.column(name).to_pylist() for name in ("post_id", "where"))
        return list(zip(rows.tolist(), *columns, strict=True))

    def copied_pictures(self, part: int) -> set[str]:
        """Return the pictures that `prepare` has copied for the posts of a part that are kept."""
        with pa.memory_map(str(self._files[part])) as source:
            reader = pa.ipc.open_file(source)
            batches = (reader.get_batch(number).column("image") for number in range(reader.num_record_batches))
            images = [image for column in batches for image in column.to_pylist()]
        kept = (image for image, keep in zip(images, self._kept[part].tolist(), strict=True) if keep)
        return {image for image in kept if image is not None and image.startswith(f"{PICTURES_FOLDER}/")}

    def _take(self, positions: Ints, columns: Sequence[str] = STAGING_SCHEMA.names) -> pa.Table:
        part_of = np.searchsorted(self._starts, positions, side="right") - 1
        by_part = np.argsort(part_of, kind="stable")
        parts, begins = np.unique(part_of[by_part], return_index=True)
        pieces = []
        for part, chosen in zip(parts.tolist(), np.split(by_part, begins[1:]), strict=True):
            rows = _rows_of(self._kept[part], positions[chosen] - self._starts[part])
            pieces.append(self._rows(part, rows, columns))
        return pa.concat_tables(pieces).combine_chunks().take(pa.array(np.argsort(by_part)))

    def _rows(self, part: int, rows: Ints, columns: Sequence[str] = STAGING_SCHEMA.names) -> pa.Table:
        with pa.memory_map(str(self._files[part])) as source:
            return _taken(source, rows, columns)


def _rows_of(kept: Flags, positions: Ints) -> Ints:
    """Return the rows of a part at which posts stand that have given positions among those that are kept."""
    return positions if kept.all() else np.flatnonzero(kept)[positions]


def _taken(source: pa.MemoryMappedFile, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    """Return rows of a file, copied, in any order."""
    reader = pa.ipc.open_file(source)
    batches = [reader.get_batch(number).select(columns) for number in range(reader.num_record_batches)]
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    batch_of = np.searchsorted(starts, rows, side="right") - 1
    by_batch = np.argsort(batch_of, kind="stable")
    numbers, begins = np.unique(batch_of[by_batch], return_index=True)
    pieces = [
        batches[number].take(pa.array(rows[part] - starts[number]))
        for number, part in zip(numbers, np.split(by_batch, begins[1:]), strict=True)
    ]
    schema = pa.schema([STAGING_SCHEMA.field(name) for name in columns])
    table = pa.Table.from_batches(pieces, schema).combine_chunks()
    return table.take(pa.array(np.argsort(by_batch)))
