"""`PostsState`: which posts of a memory are complete and alive, and what users asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.posts.growing_timelines import GrowingTimelines
from multimodal.memory.posts.user_notes import UserNotes

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PostsState:
    """What is replaced as a whole, so that a thread beside sees a change whole or not at all.

    Attributes:
        length: how many posts are complete.
        dead: how many of them are dead.
        newest_us: the latest instant of a living one, 0 if there is none.
        forgotten: user numbers that stand for nobody any longer.
        timelines: of the living ones.
        alive: by position, at least `length`.
        notes: what users asked for, beside their posts.
    """

    length: int = 0
    dead: int = 0
    newest_us: int = 0
    forgotten: frozenset[int] = frozenset()
    timelines: GrowingTimelines = field(default_factory=GrowingTimelines)
    alive: GrowingArray = field(default_factory=lambda: GrowingArray(np.bool_))
    notes: UserNotes = field(default_factory=UserNotes)

    @classmethod
    def of_saved(cls, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> PostsState:
        """Return the state of a saved memory, without timelines; see `PostMemory.state`."""
        instants_us, flags = arrays["instants_us"], GrowingArray(np.bool_)
        length = len(instants_us)
        alive = arrays.get("alive", np.ones(length, np.bool_))
        flags.extend(alive)
        newest_us = int(instants_us[alive].max()) if alive.any() else 0
        forgotten, notes = frozenset(values.get("forgotten_users", ())), UserNotes.of_values(values)
        return cls(length, length - int(alive.sum()), newest_us, forgotten, alive=flags, notes=notes)

    @property
    def flags(self) -> Flags | None:
        """(N,) False for dead posts; None if all are alive."""
        return self.alive.values[: self.length] if self.dead else None
