"""Errors of databases as errors for the user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from multimodal.memory.log.errors import StoreDamagedError, StoreError, StoreUnavailableError
from multimodal.memory.log.sql.addresses import Address

_REMEDIES = {
    'FATAL: database "': "Make the database first, or correct the URL.",
    'FATAL: role "': "Correct the user in the URL.",
    "no schema has been selected": "Make the schema of the search path first.",
    "connection option": "Correct the options in the URL.",
    "bad value for": "Correct the options in the URL.",
    "invalid sslmode": "Correct the options in the URL.",
    "is not a database": "It is not an SQLite database; choose another path.",
    "database is locked": "Another process writes into it; try again.",
    "lock timeout": "Another process writes into it; try again.",
    "readonly": "Allow this user to write the file and its folder.",
    "read-only": "Allow this user to write, or choose the server that takes writes.",
    "is full": "Free some space, and try again.",
    "No space left": "Free some space, and try again.",
    "unable to open": "The folder has to exist, and this user has to be allowed to write in it.",
    "authentication failed": "Check user and password in the URL.",
}
_DAMAGE = (
    "malformed",
    "no such table",
    "no such column",
    "invalid page",
    "could not read block",
    "does not exist",
    "already exists",
)
_LATER = "Try again when it is back; nothing that was acknowledged is lost."


@contextmanager
def explained(address: Address, doing: str) -> Iterator[None]:
    """Turn the errors of a database within the block into errors for the user.

    Args:
        address: of the log.
        doing: what is being done, for the message: "appended to".

    Raises:
        IntegrityError: as it is: a post is there already.
        StoreDamagedError: the log cannot be read.
        StoreUnavailableError: it cannot be reached or written at the moment.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise explain(error, address, doing) from None


def explain(error: Exception, address: Address, doing: str) -> StoreError:
    """Return the error for the user; see `explained`."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = " ".join(str(cause).split()) or type(cause).__name__
    for secret in (address.url.password, address.url.query.get("password")):
        reason = reason.replace(str(secret), "***") if secret else reason
    said = f"the log {address.location} cannot be {doing}: {reason.rstrip('.')}."
    remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in reason), None)
    if remedy is None and any(sign in reason for sign in _DAMAGE):
        return StoreDamagedError(f"{said} It is damaged; restore it from a backup.")
    return StoreUnavailableError(f"{said} {remedy or _LATER}")
