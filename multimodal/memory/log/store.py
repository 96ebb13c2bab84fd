"""`EventStore`: an append-only, numbered log of events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TypeAlias

from multimodal.memory.log.events import Event

NumberedEvent: TypeAlias = "tuple[int, Event]"


class EventStore(ABC):
    """An append-only log of events, numbered from 1 in the order in which they were committed.

    Threads may share one. Numbers rise without gaps until `erase` takes entries out; none is used again.

    Attributes:
        location: where the log is, without a password.
        fingerprint: of the model, or of its encoders, whose vectors the log holds.
        salt: of the pseudonyms that it gives.
    """

    location: str
    fingerprint: str
    salt: str

    @abstractmethod
    def append(self, events: Sequence[Event]) -> int:
        """Append a batch, all or nothing, and return the number of its last event.

        What was appended when this returns is there after `kill -9`, and after a power cut where the log is on disk.

        Raises:
            PostExistsError: a post of this id was observed before, or twice in the batch.
            StoreUnavailableError: the log cannot be reached or written at the moment.
            UserError: an event has a value of the wrong type or range.
        """

    @abstractmethod
    def read(self, after: int = 0, limit: int | None = None) -> Iterator[NumberedEvent]:
        """Yield the events behind a number, in the order in which they were committed.

        An event that was not there when a later one was read never appears: whoever asks again behind the last number
        that was read misses none, however many processes append.

        Args:
            after: the last number already known; 0 for none.
            limit: how many at most; None for all.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment.
            StoreDamagedError: an entry cannot be read; the message names it.
        """

    @abstractmethod
    def last(self) -> int:
        """Return the number of the last event that was appended, 0 if there was none.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment, or is an older copy of what was read.
        """

    @abstractmethod
    def of_user(self, user_id: str) -> list[NumberedEvent]:
        """Return all that the log holds about a user: own posts, what happened to them, own feedback, forgetting.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment.
            StoreDamagedError: an entry cannot be read; the message names it.
        """

    @abstractmethod
    def to_erase(self) -> list[str]:
        """Return the users that were forgotten and not yet erased.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment.
        """

    @abstractmethod
    def erase(self, user_id: str) -> int:
        """Take a user out of the log, up to the last `UserForgotten`, which stays under a pseudonym; then `clean`.

        What a process that did not know yet appended behind it about posts before it goes as well. What others said of
        the user's posts stays theirs, without the ids of the posts.

        Returns:
            How many entries were taken out.

        Raises:
            StoreError: the user was not forgotten.
            StoreUnavailableError: the log cannot be reached or written at the moment.
        """

    @abstractmethod
    def clean(self) -> None:
        """Leave nothing of erased entries in the files of the log, see `SqlStore.clean`.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment, or another process reads what was erased.
        """

    def check(self) -> None:
        """Read the structure of the files of the log, where this program keeps them: see `SqlStore.check`.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment.
            StoreDamagedError: it is damaged.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Let go of the log; it cannot be used afterwards."""

    def __enter__(self) -> EventStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
