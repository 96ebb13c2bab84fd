"""`open_memory`: a memory from its log, and from the files beside it."""

from __future__ import annotations

import logging
from pathlib import Path

from multimodal.distributed.progress import shared_progress
from multimodal.memory.live.files_beside import FilesBeside, folder_beside
from multimodal.memory.live.live_memory import LiveMemory, LiveSettings
from multimodal.memory.live.snapshot import (
    LogPlace,
    Origin,
    SnapshotError,
    generation_of,
    place_of,
    read_snapshot,
    refuse_foreign_log,
)
from multimodal.memory.live.tombstones import Tombstone
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.events import UserForgotten
from multimodal.memory.log.opening import open_store
from multimodal.memory.log.pseudonyms import may_be_same, unmasked
from multimodal.memory.log.store import EventStore
from multimodal.memory.post_memory import PostMemory

logger = logging.getLogger(__name__)

_LONG = 50_000


def open_memory(
    address: str | Path,
    base: PostMemory,
    origin: Origin,
    settings: LiveSettings | None = None,
    folder: Path | None = None,
) -> LiveMemory:
    """Return a memory of the posts of a model and of everything in a log, which is made if there is none.

    Args:
        address: of the log, see `open_store`.
        base: the posts that were saved with the model; they become part of the memory.
        origin: of the memory.
        settings: how the memory is kept.
        folder: of the files beside the log; None for `folder_beside`.

    Raises:
        StoreError: the address is unusable, the log is of another version or model, or it is empty and was not.
        StoreUnavailableError: the log cannot be reached at the moment.
        StoreDamagedError: an entry of the log, or who was forgotten, cannot be read.
    """
    store = open_store(address, origin.fingerprint)
    try:
        files = FilesBeside(folder or folder_beside(address), origin)
        refuse_lost(store, files.snapshot)
        memory, place = _read_snapshot(files, store, base)
        live = LiveMemory(memory, store, settings, files, place)
        _catch_up(live)
        _forget_again(live, files)
    except BaseException:
        store.close()
        raise
    return live


def refuse_lost(store: EventStore, snapshot: Path) -> None:
    """Refuse an empty log beside the snapshot of one that was not: a file that was deleted, emptied or not restored.

    Raises:
        StoreError: the log was lost.
    """
    number = place_of(snapshot).number
    if number and not store.last():
        raise StoreError(
            f"the log {store.location} is empty, but {snapshot} was made when it had {number:,} entries: the log was "
            f"lost. Restore it from a backup. To start over, without what was observed, remove {snapshot}."
        )


def _read_snapshot(files: FilesBeside, store: EventStore, base: PostMemory) -> tuple[PostMemory, LogPlace]:
    """Return what the snapshot holds, the base if there is none that fits the log; why is said."""
    try:
        read = read_snapshot(files.snapshot, base.emptied(), files.origin)
        if read is not None:
            refuse_foreign_log(files.snapshot, read[1], store)
    except SnapshotError as error:
        logger.warning(
            "%s. The memory is read from the log instead, which takes longer; `multimodal-hashtags memory rebuild` "
            "writes the snapshot again.",
            error,
        )
        # It is replaced by the next one.
        return base, LogPlace(generation=generation_of(files.snapshot) + 1)
    return read or (base, LogPlace())


def _catch_up(live: LiveMemory) -> None:
    behind = live.store.last() - live.number
    if behind < _LONG:
        live.refresh()
        return
    with shared_progress("reading the log", behind, "events") as advance:
        live.refresh(advance)


def _forget_again(live: LiveMemory, files: FilesBeside) -> None:
    """Forget those whose tombstones the log lacks: it is a copy from before they were forgotten."""
    missing = []
    for stone in files.tombstones.newest_first():
        if _holds(live.store, stone):
            break  # a copy lacks what came last, so the log has the older ones as well
        missing.append(stone)
    if not missing:
        return
    users = {*live.memory.user_ids, *(getattr(event, "user_id", None) for _, event in live.store.read())}
    known = unmasked({stone.user for stone in missing}, (user_id for user_id in users if user_id is not None))
    for stone in reversed(missing):
        if stone.user in known:
            logger.warning("the log %s holds a user again who had been forgotten, and now is", live.store.location)
        live.forget(known.get(stone.user, stone.user))
        if not _holds(live.store, stone):
            files.tombstones.remove(stone)


def _holds(store: EventStore, stone: Tombstone) -> bool:
    for number, event in store.read(stone.number - 1, 1):
        # What an earlier version forgot and this one erased has no salt here and one there.
        return number == stone.number and isinstance(event, UserForgotten) and may_be_same(stone.user, event.user_id)
    return False
