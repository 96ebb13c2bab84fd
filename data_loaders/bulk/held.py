"""What shard tasks need besides their shard: opened once in a process, which keeps it for the tasks that follow."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

Held = TypeVar("Held", covariant=True)


class Openable(Hashable, Protocol[Held]):
    """Says how something is opened, in words that can be sent to other machines."""

    def open(self) -> Held:
        """Return it."""


# Processes that are forked share what is held where they are forked.
_HELD: dict[Openable[Any], Any] = {}


@contextmanager
def held(opening: Openable[Held], value: Held) -> Iterator[None]:  # type: ignore[misc]
    """Let the tasks of this process, and of those that are forked from it, use a value while the block runs.

    Args:
        opening: how others open it.
        value: what is open here.
    """
    _HELD[opening] = value
    try:
        yield
    finally:
        _HELD.pop(opening, None)


def opened(opening: Openable[Held]) -> Held:
    """Return what is held here; it is opened where it is not, in place of what earlier tasks needed."""
    if opening not in _HELD:
        _HELD.clear()
        _HELD[opening] = opening.open()
    value: Held = _HELD[opening]
    return value
