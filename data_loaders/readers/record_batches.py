"""Records of a dump in batches that memory has room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data_loaders.readers.base import RawPost, Record

_MOST_RECORDS = 256
_MOST_BYTES = 1 << 26


def record_batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield records in batches of 256, smaller ones where their pictures were read: at most 64 MiB and one more."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        picture = record.post.image if isinstance(record, RawPost) else None
        size += len(picture) if isinstance(picture, bytes) else 0
        if len(batch) == _MOST_RECORDS or size > _MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
