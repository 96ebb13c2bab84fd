"""Where a log is: the URL of its database, and how it is named in messages, without its password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from data_loaders.errors import nearest, short_repr
from multimodal.memory.log.errors import StoreError

ACCEPTED = "a path, sqlite:///PATH, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_SCHEME = re.compile(r"([A-Za-z][\w+.-]+):/")
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a log is.

    Attributes:
        url: of the database.
        location: the same for messages, without password and options.
        path: of the file; None on a server.
    """

    url: URL
    location: str
    path: Path | None


def read_address(given: str | Path) -> Address:
    """Return the address of a log from a path or a URL.

    Raises:
        StoreError: it is neither a path nor a URL, or the database is not supported. The message holds no password.
    """
    scheme = _SCHEME.match(given) if isinstance(given, str) else None
    if not isinstance(given, (str, Path)) or not str(given) or "\0" in str(given):
        raise StoreError(f"{short_repr(given)} is not the address of a log; accepted: {ACCEPTED}.")
    if scheme is None:
        return _of_file(Path(given))
    driver = _DRIVERS.get(scheme[1].lower())
    if driver is None:
        hint = nearest(scheme[1].lower(), _DRIVERS)
        raise StoreError(f"a log cannot be kept in {scheme[1]!r}.{hint} Accepted: {ACCEPTED}.")
    url = _parsed(str(given)).set(drivername=driver)
    if driver == "sqlite":
        if not url.database or url.database == ":memory:" or url.host or url.query:
            raise StoreError(f"{_masked(str(given))} names no file; accepted: sqlite:///PATH, without options.")
        return _of_file(Path(url.database))
    if not url.database:
        raise StoreError(
            f"{_location(url)} names no database; accepted: postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        )
    return Address(url, _location(url), None)


def _of_file(path: Path) -> Address:
    return Address(URL.create("sqlite", database=str(path)), str(path), path)


def _parsed(given: str) -> URL:
    try:
        return make_url(given)
    except (ArgumentError, ValueError):
        # The reason may quote the password, so it is not passed on.
        raise StoreError(
            f"{_masked(given)} is a malformed URL; accepted: {ACCEPTED}. Write signs such as @ : / in a password as "
            "%40 %3A %2F."
        ) from None


def _masked(given: str) -> str:
    scheme, _, rest = given.partition(":/")
    rest = re.sub(r"^(/*).*@", r"\1***@", rest.partition("?")[0])
    return repr(f"{scheme}:/{rest}")


def _location(url: URL) -> str:
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()
