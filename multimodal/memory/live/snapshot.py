"""The snapshot of a memory: its posts up to an event of the log, in files that open in seconds.

A snapshot is a cache: the log holds everything that is in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_loaders.errors import UserError
from data_loaders.output_folder import atomic_folder, restore
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.events import Event, FeedbackGiven
from multimodal.memory.log.store import EventStore
from multimodal.memory.memory_files import ARRAYS_FILE, POSTS_FILE, read_memory, write_memory
from multimodal.memory.post_memory import PostMemory
from multimodal.storage.model_files import Count, Form, read_json_as
from multimodal.storage.run_folder import write_json

_VERSION = 1
_INFO, _WHAT = "snapshot.json", "the snapshot of a memory"
_BYTES_AT_ONCE = 2**20


class SnapshotError(StoreError):
    """A snapshot cannot be used; the log can."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a snapshot was made from.

    Attributes:
        fingerprint: of the model whose vectors the memory holds.
        base: of the posts that were saved with the model.
    """

    fingerprint: str
    base: str


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Up to where a memory has read its log.

    Attributes:
        number: of the last event that is in the memory.
        last_event: `mark` of that event.
        generation: how often the memory was compacted, which gives posts new positions.
    """

    number: int = 0
    last_event: str = ""
    generation: int = 0


class _Info(Form):
    version: Count
    fingerprint: str
    base: str
    number: Count
    last_event: str
    generation: Count
    posts: Count
    sizes: dict[str, Count]
    checksums: dict[str, Count]


def write_snapshot(folder: Path, memory: PostMemory, origin: Origin, place: LogPlace) -> None:
    """Write a memory, dead positions included, in place of what the folder held, in one step.

    Args:
        folder: created or replaced.
        memory: not changed by anyone meanwhile.
        origin: of the memory.
        place: up to which it has read its log.

    Raises:
        RunError: the disk is full or the folder cannot be written; what was there before is untouched.
        FolderInUseError: another process is writing it.
        SnapshotError: another process has compacted it meanwhile.
    """
    with atomic_folder(folder, "writing a snapshot of a memory") as part:
        if generation_of(folder) > place.generation:
            raise SnapshotError(f"{folder} was compacted by another process meanwhile")
        write_memory(part, memory, dead=True)
        names = (ARRAYS_FILE, POSTS_FILE)
        info = _Info(
            version=_VERSION,
            fingerprint=origin.fingerprint,
            base=origin.base,
            number=place.number,
            last_event=place.last_event,
            generation=place.generation,
            posts=len(memory),
            sizes={name: (part / name).stat().st_size for name in names},
            checksums={name: _checksum(part / name) for name in names},
        )
        write_json(part / _INFO, info.model_dump())


def read_snapshot(folder: Path, like: PostMemory, origin: Origin) -> tuple[PostMemory, LogPlace] | None:
    """Return a memory and up to where it has read its log; None if there is no snapshot.

    Args:
        folder: that `write_snapshot` wrote.
        like: an empty memory of the System.
        origin: of the memory that is wanted.

    Raises:
        SnapshotError: it is damaged, or was made by another version, by another model or from other posts.
    """
    while True:
        restore(folder)
        read = seen_of(folder)
        try:
            return None if read is None else _read(folder, like, origin)
        except SnapshotError:
            if seen_of(folder) == read:
                raise
            like = like.emptied()  # another process replaced it meanwhile


def seen_of(folder: Path) -> tuple[int, int] | None:
    """Return what differs after a snapshot was replaced; None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _read(folder: Path, like: PostMemory, origin: Origin) -> tuple[PostMemory, LogPlace]:
    try:
        info = read_json_as(folder / _INFO, _WHAT, _Info)
        _refuse_foreign(folder, info, origin)
        for name, size in info.sizes.items():
            seen = (folder / name).stat().st_size
            if seen != size:
                raise SnapshotError(f"{folder / name} is damaged: it has {seen:,} bytes, {size:,} were written")
            if _checksum(folder / name) != info.checksums.get(name):
                raise SnapshotError(f"{folder / name} is damaged: its checksum is not that of what was written")
        return read_memory(folder, like, dead=True), LogPlace(info.number, info.last_event, info.generation)
    except SnapshotError:
        raise
    except UserError as error:
        raise SnapshotError(str(error).rstrip(".")) from error
    except OSError as error:
        raise SnapshotError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error


def describe_snapshot(folder: Path) -> dict[str, Any]:
    """Return what a snapshot says of itself, without its files being read; nothing if there is none.

    Raises:
        RunError: it cannot be read.
    """
    if not folder.is_dir():
        return {}
    info = read_json_as(folder / _INFO, _WHAT, _Info)
    return {
        "last event": info.number,
        "posts": info.posts,
        "bytes": sum(info.sizes.values()),
        "model": info.fingerprint,
    }


def generation_of(folder: Path) -> int:
    """Return the generation of a snapshot, 0 if there is none that can be read."""
    return place_of(folder).generation


def place_of(folder: Path) -> LogPlace:
    """Return up to where a snapshot has read its log; the beginning if there is none that can be read."""
    try:
        info = read_json_as(folder / _INFO, _WHAT, _Info)
    except UserError:
        return LogPlace()
    return LogPlace(info.number, info.last_event, info.generation)


def _refuse_foreign(folder: Path, info: _Info, origin: Origin) -> None:
    if info.version != _VERSION:
        raise SnapshotError(f"{folder} is of version {info.version}; this program reads version {_VERSION}")
    if info.fingerprint != origin.fingerprint:
        raise SnapshotError(f"{folder} was made by another model")
    if info.base != origin.base:
        raise SnapshotError(f"{folder} was made from other posts of the model than those that are saved with it now")


def refuse_foreign_log(folder: Path, place: LogPlace, store: EventStore) -> None:
    """Refuse a snapshot whose last event the log does not hold, unless it was erased.

    Raises:
        SnapshotError: it was made from another log, or from one that lost entries since.
        StoreUnavailableError: the log cannot be reached at the moment.
    """
    found = next(iter(store.read(place.number - 1, 1)), None) if place.number else None
    if found is not None and found[0] == place.number:
        fits = mark(found[1]) == place.last_event
    else:
        fits = store.last() >= place.number
    if not fits:
        raise SnapshotError(f"{folder} was made from another log, or from one that lost entries since")


def mark(event: Event) -> str:
    """Return what tells an event from that of the same number in another log, and survives that a user is erased."""
    # Feedback stays without the id of its post when the author of that is erased.
    instant_us = getattr(event, "instant_us", "")
    post_id = "" if isinstance(event, FeedbackGiven) else getattr(event, "post_id", "")
    return f"{type(event).__name__} {instant_us} {zlib.crc32(str(post_id).encode('utf-8', 'surrogatepass')):08x}"


def _checksum(path: Path) -> int:
    checksum = 0
    for part in _parts(path):
        checksum = zlib.crc32(part, checksum)
    return checksum


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_BYTES_AT_ONCE):
            yield part
