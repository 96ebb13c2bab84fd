"""`SqlStore`: a log in SQLite or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    bindparam,
    delete,
    insert,
    select,
    text,
    true,
    union,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import Pool
from sqlalchemy.sql import CompoundSelect, Select

from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.log.batches import not_forgotten, refuse_repeated
from multimodal.memory.log.errors import StoreDamagedError, StoreError, StoreUnavailableError
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
from multimodal.memory.log.pseudonyms import is_pseudonym, pseudonym, unmasked
from multimodal.memory.log.sql.addresses import Address
from multimodal.memory.log.sql.engines import WRITING, make_engine
from multimodal.memory.log.sql.failures import explained
from multimodal.memory.log.sql.opening import open_tables, prepare_file
from multimodal.memory.log.sql.schema import FACTS, IS_ANOTHER, IS_FORGETTING, IS_OBSERVED, LOG
from multimodal.memory.log.store import EventStore, NumberedEvent

_ROWS_AT_ONCE = 1_000
_IDS_AT_ONCE = 500
_INHERITED: list[Pool] = []
_TAKE = update(FACTS).values(last_number=FACTS.c.last_number + bindparam("count")).returning(FACTS.c.last_number)


class SqlStore(EventStore):
    """A log in a database.

    Entries are numbered by a counter in the database whose lock is held until the commit. So numbers rise in the
    order of commits, whatever the number of processes: an entry never appears behind one that was read before.

    Args:
        address: of the database; the tables are made if there are none.
        fingerprint: of the model whose vectors it holds; None to accept any, if there is a log.

    Raises:
        StoreError: the log is of a newer version or of another model, or the address is unusable.
        StoreUnavailableError: the database cannot be reached at the moment.
        StoreDamagedError: it cannot be read.
    """

    def __init__(self, address: Address, fingerprint: str | None) -> None:
        self.location = address.location
        self._address = address
        self._lock = ForkSafeLock()
        self._process = os.getpid()
        self._largest = 0
        if address.path is not None:
            prepare_file(address.path)
            if fingerprint is None and not address.path.exists():
                raise StoreError(f"there is no log at {address.location}; it is made when a model opens it.")
        self._opened: Engine | None = make_engine(address)
        try:
            with explained(address, "opened"):
                self.fingerprint, self.salt = open_tables(self._opened, address, fingerprint)
        except StoreError:
            self.close()
            raise
        self._file = _identity(address.path)

    def append(self, events: Sequence[Event]) -> int:
        """Append a batch, see `EventStore.append`."""
        rows = [encode(event) for event in events]
        observed = [str(row.post_id) for row in rows if row.kind == OBSERVED]
        refuse_repeated(observed, set(), self.location)
        if not rows:
            return self.last()
        try:
            return self._insert(rows)
        except IntegrityError:
            refuse_repeated(observed, self._known(observed), self.location)
            raise StoreUnavailableError(
                f"the log {self.location} did not take the events: others changed it at the same time. Try again."
            ) from None

    def _insert(self, rows: Sequence[Row]) -> int:
        with self._writing("appended to") as connection:
            last = _numbers(connection, len(rows))
            first = last - len(rows) + 1
            self._refuse_older(first - 1, self._largest)
            values = [{"number": number, **asdict(row)} for number, row in enumerate(rows, start=first)]
            connection.execute(insert(LOG), values)
        self._largest = last
        return last

    def _refuse_older(self, last: int, read: int) -> None:
        """Refuse a log that ends before what was read from it."""
        if last < read:
            raise StoreUnavailableError(
                f"the log {self.location} ends with entry {last:,}, but entry {read:,} was read from it: an older copy "
                "was put in its place while it was open. Open the memory again."
            )

    def _known(self, post_ids: Sequence[str]) -> set[str]:
        """Return which of the posts are in the log."""
        known: set[str] = set()
        with self._reading() as connection:
            for start in range(0, len(post_ids), _IDS_AT_ONCE):
                some = LOG.c.post_id.in_(post_ids[start : start + _IDS_AT_ONCE])
                known.update(connection.execute(select(LOG.c.post_id).where(IS_OBSERVED, some)).scalars())
        return known

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[NumberedEvent]:
        """Yield the events behind a number, see `EventStore.read`."""
        while limit is None or limit > 0:
            count = _ROWS_AT_ONCE if limit is None else min(limit, _ROWS_AT_ONCE)
            # A short transaction for each page: a long one would keep SQLite's write-ahead log from being emptied.
            page = self._events(select(LOG).where(LOG.c.number > after).order_by(LOG.c.number).limit(count))
            self._largest = max(self._largest, page[-1][0] if page else 0)
            yield from page
            if len(page) < count:
                return
            after = page[-1][0]
            limit = None if limit is None else limit - count

    def last(self) -> int:
        """Return the number of the last event, see `EventStore.last`."""
        read = self._largest  # before the question: another thread may append meanwhile
        with self._reading() as connection:
            number: int = connection.execute(select(FACTS.c.last_number)).scalar_one()
        self._refuse_older(number, read)
        return number

    def of_user(self, user_id: str) -> list[NumberedEvent]:
        """Return all that the log holds about a user, see `EventStore.of_user`."""
        with self._reading() as connection:
            names = _names(connection, user_id)
        return self._events(select(LOG).where(LOG.c.number.in_(_about(user_id, names))).order_by(LOG.c.number))

    def to_erase(self) -> list[str]:
        """Return the users that were forgotten and not yet erased."""
        with self._reading() as connection:
            return sorted(user for user in _forgotten(connection) if not is_pseudonym(user))

    def erase(self, user_id: str) -> int:
        """Take a user out of the log, see `EventStore.erase`."""
        with self._writing("erased from") as connection:
            _numbers(connection, 0)
            names = _names(connection, user_id)
            forgettings = connection.execute(select(LOG).where(IS_FORGETTING, LOG.c.user_id.in_(names))).all()
            if not forgettings:
                raise not_forgotten(user_id, self.location)
            last = max(number for number, *_ in forgettings)
            feedback = connection.execute(select(LOG).where(_feedback_on(user_id, last))).all()
            erased = LOG.c.number.in_(_about(user_id, names, last)) & (LOG.c.kind != FORGOTTEN)
            count = connection.execute(delete(LOG).where(erased)).rowcount
            _replace(connection, feedback, post_id=None)
            _replace(connection, forgettings, user_id=pseudonym(user_id, self.salt))
        return count

    def clean(self) -> None:
        """Leave nothing of erased entries in the files of the log.

        SQLite: deleted entries are overwritten, and here the write-ahead log is emptied. PostgreSQL: the space is freed
        for new entries (VACUUM); until then the server's files, its write-ahead log and its backups may hold remains.
        """
        with explained(self._address, "cleaned"), self._engine.connect() as connection:
            if self._address.path is None:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(f"VACUUM {LOG.name}"))
                return
            # Of the driver itself: SQLAlchemy would begin a transaction, within which nothing is emptied.
            driver: Any = connection.connection.driver_connection
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StoreUnavailableError(
                    f"what was erased from the log {self.location} is still in its write-ahead log: another process "
                    "reads it. Compact again."
                )

    def check(self) -> None:
        """Check the whole SQLite file (`PRAGMA quick_check`); a PostgreSQL server looks after its own files.

        Entries have checksums, which are compared whenever they are read; this finds entries that no longer are.
        """
        if self._address.path is None:
            return
        with self._reading() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalars().all()
        if found != ["ok"]:
            raise StoreDamagedError(
                f"the log {self.location} is damaged: SQLite finds {' '.join(str(found[0]).split())!r}. Restore it "
                "from a backup."
            )

    def close(self) -> None:
        """Let go of the log."""
        engine = None if self._opened is None else self._engine
        self._opened = None
        if engine is not None:
            engine.dispose()

    @property
    def _engine(self) -> Engine:
        if self._opened is None:
            raise StoreError(f"the log {self.location} is closed; open it again.")
        if self._process != os.getpid():
            # Connections of the parent must be neither used nor closed in a forked process.
            _INHERITED.append(self._opened.pool)
            self._opened.dispose(close=False)
            self._process = os.getpid()
        return self._opened

    def _events(self, rows: Select[Any]) -> list[NumberedEvent]:
        with self._reading() as connection:
            found = connection.execute(rows).all()
        return [(number, decode(number, Row(*columns), self.location)) for number, *columns in map(tuple, found)]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with explained(self._address, "read"), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self, doing: str) -> Iterator[Connection]:
        self._require_file()
        with self._lock, explained(self._address, doing), self._engine.connect() as opened:
            connection = opened.execution_options(**{WRITING: True})
            with connection.begin():
                yield connection

    def _require_file(self) -> None:
        if self._address.path is not None and _identity(self._address.path) != self._file:
            raise StoreUnavailableError(
                f"the log {self.location} was moved, deleted or replaced while it was open. Put it back, or open the "
                "memory again."
            )


def _numbers(connection: Connection, count: int) -> int:
    """Take the next numbers, and with them the lock under which all entries are numbered; return the last."""
    last: int = connection.execute(_TAKE, {"count": count}).scalar_one()
    return last


def _forgotten(connection: Connection) -> list[str]:
    """Return the users that were forgotten, those that are erased by their pseudonyms."""
    return [str(user) for user in connection.execute(select(LOG.c.user_id).where(IS_FORGETTING).distinct()).scalars()]


def _names(connection: Connection, user_id: str) -> list[str]:
    """Return what a user is called in the log: the id, and pseudonyms of it."""
    return [user_id, *(unmasked(_forgotten(connection), [user_id]).keys() - {user_id})]


def _replace(connection: Connection, entries: Sequence[Any], **columns: Any) -> None:
    """Give entries other columns, each with its new checksum; those that are no longer there stay away."""
    for number, *held in entries:
        row = sealed(replace(Row(*held), **columns))
        connection.execute(update(LOG).where(LOG.c.number == number).values(asdict(row)))


def _about(user_id: str, names: Sequence[str], before: int | None = None) -> CompoundSelect[Any]:
    """Select the numbers of what is by a user, and of what happened to a post by the user.

    Args:
        user_id: the user.
        names: see `_names`.
        before: a forgetting of the user: only what stands before it, and what is about posts before it.
    """
    number, happened = LOG.c.number, LOG.c.kind.in_([CORRECTED, WITHDRAWN])
    mine = select(number).where(LOG.c.user_id.in_(names))
    if before is not None:
        mine = mine.where((number < before) | (happened & LOG.c.post_id.not_in(_posts_of(user_id, number > before))))
    of_posts = LOG.c.post_id.in_(_posts_of(user_id, true() if before is None else number < before))
    return union(mine, select(number).where(IS_ANOTHER, happened, of_posts))


def _feedback_on(user_id: str, before: int) -> ColumnElement[bool]:
    """Select feedback on posts of a user that stand before an entry: that of others stays, without the post's id."""
    return and_(IS_ANOTHER, LOG.c.kind == FEEDBACK, LOG.c.post_id.in_(_posts_of(user_id, LOG.c.number < before)))


def _posts_of(user_id: str, where: ColumnElement[bool]) -> Select[Any]:
    return select(LOG.c.post_id).where(IS_OBSERVED, LOG.c.user_id == user_id, where)


def _identity(path: Path | None) -> tuple[int, int] | None:
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)
