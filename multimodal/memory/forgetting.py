"""Whether somebody is forgotten already, so that forgetting again adds nothing to a log that only grows."""

from __future__ import annotations

from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.log.events import UserForgotten
from multimodal.memory.posts.user_notes import NOTHING


def is_forgotten(live: LiveMemory, user_id: str) -> bool:
    """Return whether the last thing that memory and log hold about a user is that the user was forgotten.

    Somebody of whom nothing was ever held is not: the posts may be in a backup of the log, or in a model that was saved
    with them, and once they come back only the entry that the user was forgotten takes them out.

    Raises:
        StoreUnavailableError: the log cannot be reached at the moment.
        StoreDamagedError: an entry cannot be read.
    """
    if live.positions_of(user_id) or live.memory.notes.of(user_id) != NOTHING:
        return False
    events = live.store.of_user(user_id)
    return bool(events) and isinstance(events[-1][1], UserForgotten)
