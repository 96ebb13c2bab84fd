"""A log copied to another place, and compared entry by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.event_coding import Row, encode
from multimodal.memory.log.events import Event
from multimodal.memory.log.store import EventStore

_EVENTS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied.

    Attributes:
        copied: how many entries; those that were there already are not counted.
        kinds: how many entries of each kind both logs hold.
    """

    copied: int
    kinds: Counter[str] = field(default_factory=Counter)


def copy_log(source: EventStore, target: EventStore, advance: Callable[[int], None] = lambda steps: None) -> Moved:
    """Copy all entries, then read both logs and compare them; a copy that was interrupted goes on where it ended.

    Entries are renumbered: the numbers of erased ones are not kept.

    Args:
        source: nobody appends to it meanwhile.
        target: empty, or with the first entries of `source`.
        advance: called with numbers of entries that were copied.

    Raises:
        StoreError: `target` holds other entries; or the two differ afterwards.
        StoreUnavailableError: one of the two cannot be reached or written.
    """
    there = _common(source, target)
    copied, batch = 0, list[Event]()
    for number, (_, event) in enumerate(source.read()):
        if number >= there:
            batch.append(event)
        if len(batch) == _EVENTS_AT_ONCE:
            copied += _append(target, batch, advance)
    copied += _append(target, batch, advance)
    kinds = Counter[str]()
    for original, copy in _pairs(source, target):
        if original is None or original != copy:
            raise StoreError(
                f"the copy of {source.location} in {target.location} differs after {sum(kinds.values()):,} entries: "
                "something else was appended to one of them meanwhile. Stop what writes, and move again."
            )
        kinds[original.kind] += 1
    return Moved(copied, kinds)


def _append(target: EventStore, batch: list[Event], advance: Callable[[int], None]) -> int:
    count = len(batch)
    if count:
        target.append(batch)
        advance(count)
        batch.clear()
    return count


def _common(source: EventStore, target: EventStore) -> int:
    """Return how many entries are copied already."""
    count = 0
    for original, copy in _pairs(source, target):
        if copy is None:
            break
        if original != copy:
            raise StoreError(
                f"{target.location} holds other entries than {source.location}: it is not a copy of it. Choose an "
                "empty database, or a path where no file is."
            )
        count += 1
    return count


def _pairs(source: EventStore, target: EventStore) -> Iterator[tuple[Row | None, Row | None]]:
    originals, copies = source.read(), target.read()
    while True:
        original, copy = next(originals, None), next(copies, None)
        if original is None and copy is None:
            return
        yield (encode(original[1]) if original else None, encode(copy[1]) if copy else None)
