"""A log of every kind, and a PostgreSQL server for the whole run."""

from __future__ import annotations

from itertools import count

import pytest
from postgresql_server import PostgresqlServer, why_not

from multimodal.memory.log.opening import open_store

STORES = ("in_process", "sqlite", "postgresql")
_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgresql():
    """A running server; skips where none is installed."""
    if reason := why_not():
        pytest.skip(reason)
    server = PostgresqlServer()
    yield server
    server.remove()


@pytest.fixture
def postgresql_url(postgresql):
    """The URL of an empty schema."""
    return postgresql.schema(f"test{next(_NUMBERS)}")


@pytest.fixture(params=STORES[1:])
def address(request, tmp_path):
    """An address of each kind at which there is no log yet."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return str(tmp_path / "memory.sqlite")


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    """An empty log of each kind."""
    address = {"in_process": None, "sqlite": tmp_path / "memory.sqlite"}
    if request.param == "postgresql":
        address["postgresql"] = request.getfixturevalue("postgresql_url")
    with open_store(address[request.param], "model-a") as opened:
        yield opened
