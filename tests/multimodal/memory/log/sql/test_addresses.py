"""Addresses of logs: what is accepted, what is refused, and no password in any message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from multimodal.memory.log.errors import StoreError, StoreUnavailableError
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.log.opening import open_store
from multimodal.memory.log.sql.addresses import read_address

# Nobody listens on port 1.
NOWHERE = "postgresql://ann:s3cret@127.0.0.1:1/memory"


@pytest.mark.parametrize("given", ["a/memory.sqlite", "sqlite:///a/memory.sqlite", Path("a/memory.sqlite")])
def test_a_file(given):
    address = read_address(given)
    assert (address.path, address.location) == (Path("a/memory.sqlite"), "a/memory.sqlite")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "POSTGRESQL", "postgresql+psycopg"])
def test_a_server(scheme):
    address = read_address(f"{scheme}://ann:s3cret%40@db:5433/memory?sslmode=require")
    assert (address.path, address.location) == (None, "postgresql://ann@db:5433/memory")
    assert address.url.drivername == "postgresql+psycopg"
    assert address.url.password == "s3cret@"


@pytest.mark.parametrize("given", [None, ":memory:", "sqlite://", "sqlite:///:memory:"])
def test_none_is_kept(given):
    with open_store(given, "model") as store:
        assert isinstance(store, InProcessStore)


@pytest.mark.parametrize(
    "given, message",
    [
        (
            "",
            "'' is not the address of a log; accepted: a path, sqlite:///PATH, or postgresql://USER:PASSWORD@HOST:PORT/DAT",
        ),
        ("a\0b", "is not the address of a log"),
        (7, "7 is not the address of a log"),
        (b"memory", "b'memory' is not the address of a log"),
        ("mysql://ann:s3cret@db/memory", "a log cannot be kept in 'mysql'. Accepted: a path"),
        ("postgersql://ann:s3cret@db/memory", "in 'postgersql'. Did you mean 'postgresql'?"),
        ("http://ann:s3cret@db/memory", "a log cannot be kept in 'http'."),
        ("sqlite:///", "'sqlite:///' names no file; accepted: sqlite:///PATH, without options."),
        ("sqlite:///memory.sqlite?mode=ro", "names no file; accepted: sqlite:///PATH, without options"),
        ("postgresql://ann:s3cret@db", "postgresql://ann@db names no database; accepted: postgresql://USER:PASSWORD@"),
        ("postgresql://ann:s3c@ret@db:port/memory", "'postgresql://***@db:port/memory' is a malformed URL; accepted"),
        ("postgresql:/ann:s3cret@db/memory", "'postgresql:/***@db/memory' is a malformed URL"),
        ("postgresql://ann:s3cret@db:port/memory?password=s3cret", "is a malformed URL; accepted: .* %40 %3A %2F."),
    ],
)
def test_what_is_none_is_refused_without_its_password(given, message):
    with pytest.raises(StoreError, match=re.escape(message).replace(r"\.\*", ".*")) as refused:
        open_store(given, "model")
    assert "s3c" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "url, message",
    [
        (NOWHERE, "cannot be opened: .* Try again when it is back; nothing that was acknowledged is lost."),
        (f"{NOWHERE}?sslmode=s3cret", "Correct the options in the URL."),
        (f"{NOWHERE}?connect_timeout=soon", "Correct the options in the URL."),
        (f"{NOWHERE}?colour=s3cret", "Correct the options in the URL."),
        ("postgresql://127.0.0.1:1/memory?user=ann&password=s3cret&sslmode=s3cret", "Correct the options in the URL."),
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_the_password(url, message):
    pytest.importorskip("psycopg")
    with pytest.raises(
        StoreUnavailableError, match=rf"the log postgresql://(ann@)?127.0.0.1:1/memory .*{message}"
    ) as no:
        open_store(url, "model")
    assert "s3cret" not in str(no.value)
    assert no.value.__cause__ is None


@pytest.mark.parametrize("fingerprint", ["", 7])
def test_a_fingerprint_is_a_text(fingerprint, tmp_path):
    with pytest.raises(StoreError, match=rf"fingerprint: {fingerprint!r}; accepted: a text that is not empty, or None"):
        open_store(tmp_path / "memory.sqlite", fingerprint)
