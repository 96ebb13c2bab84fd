"""`InProcessStore`: a log that ends with the process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.log.batches import not_forgotten, refuse_repeated
from multimodal.memory.log.event_coding import (
    CORRECTED,
    FEEDBACK,
    FORGOTTEN,
    OBSERVED,
    WITHDRAWN,
    Row,
    decode,
    encode,
    sealed,
)
from multimodal.memory.log.events import Event
from multimodal.memory.log.pseudonyms import is_pseudonym, new_salt, pseudonym, unmasked
from multimodal.memory.log.store import EventStore, NumberedEvent


class InProcessStore(EventStore):
    """A log in memory, for training, evaluation and tests.

    Args:
        fingerprint: of the model whose vectors it holds.
    """

    def __init__(self, fingerprint: str) -> None:
        self.location = "in this process"
        self.fingerprint, self.salt = fingerprint, new_salt()
        self._rows: dict[int, Row] = {}
        self._last = 0
        self._authors: dict[str, str | None] = {}
        self._lock = ForkSafeLock()

    def append(self, events: Sequence[Event]) -> int:
        """Append a batch, see `EventStore.append`."""
        rows = [encode(event) for event in events]
        observed = [str(row.post_id) for row in rows if row.kind == OBSERVED]
        with self._lock:
            refuse_repeated(observed, self._authors.keys() & set(observed), self.location)
            for number, row in enumerate(rows, start=self._last + 1):
                self._rows[number] = row
            self._last += len(rows)
            self._authors.update((str(row.post_id), row.user_id) for row in rows if row.kind == OBSERVED)
            return self._last

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[NumberedEvent]:
        """Yield the events behind a number, see `EventStore.read`."""
        numbers = range(after + 1, self._last + 1)
        held = ((number, row) for number in numbers if (row := self._rows.get(number)) is not None)
        for number, row in islice(held, limit):
            yield number, decode(number, row, self.location)

    def last(self) -> int:
        """Return the number of the last event."""
        return self._last

    def of_user(self, user_id: str) -> list[NumberedEvent]:
        """Return all that the log holds about a user, see `EventStore.of_user`."""
        with self._lock:
            rows = self._about(user_id)
        return [(number, decode(number, row, self.location)) for number, row in rows.items()]

    def to_erase(self) -> list[str]:
        """Return the users that were forgotten and not yet erased."""
        with self._lock:
            users = [str(row.user_id) for row in self._rows.values() if row.kind == FORGOTTEN]
        return sorted({user for user in users if not is_pseudonym(user)})

    def erase(self, user_id: str) -> int:
        """Take a user out of the log, see `EventStore.erase`."""
        with self._lock:
            rows = self._about(user_id)
            forgotten = [number for number, row in rows.items() if row.kind == FORGOTTEN]
            if not forgotten:
                raise not_forgotten(user_id, self.location)
            erased = self._before(rows, forgotten[-1])
            self._keep_feedback_on({row.post_id for number in erased if (row := rows[number]).kind == OBSERVED})
            for number in erased:
                row = self._rows.pop(number)
                if row.kind == OBSERVED:
                    del self._authors[str(row.post_id)]
            for number in forgotten:
                self._rows[number] = sealed(replace(self._rows[number], user_id=pseudonym(user_id, self.salt)))
            return len(erased)

    def _keep_feedback_on(self, post_ids: Collection[str | None]) -> None:
        """Leave feedback of others on posts that are erased, without the ids of the posts."""
        for number, row in self._rows.items():
            if row.kind == FEEDBACK and row.post_id in post_ids:
                self._rows[number] = sealed(replace(row, post_id=None))

    @staticmethod
    def _before(rows: Mapping[int, Row], last: int) -> list[int]:
        """Return the entries before a forgetting, and those behind it that are about posts before it."""
        observed = {row.post_id: number for number, row in rows.items() if row.kind == OBSERVED}
        erased = []
        for number, row in rows.items():
            of_post = observed.get(row.post_id, 0) if row.kind in (CORRECTED, WITHDRAWN) else number
            if row.kind != FORGOTTEN and min(number, of_post) < last:
                erased.append(number)
        return erased

    def _about(self, user_id: str) -> dict[int, Row]:
        forgotten = {str(row.user_id) for row in self._rows.values() if row.kind == FORGOTTEN}
        users = {user_id, *unmasked(forgotten, [user_id])}
        return {
            number: row
            for number, row in self._rows.items()
            if row.user_id in users
            or (row.kind != FEEDBACK and row.post_id is not None and self._authors.get(row.post_id) == user_id)
        }

    def clean(self) -> None:
        """Do nothing: what is erased is gone."""

    def close(self) -> None:
        """Do nothing: the log ends with the process."""
