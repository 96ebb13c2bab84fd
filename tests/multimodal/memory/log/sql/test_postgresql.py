"""A log in PostgreSQL: the order of commits with transactions that stay open, and a server that goes and comes back."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from event_examples import post
from postgresql_server import PostgresqlServer, why_not

from multimodal.memory.log.errors import StoreUnavailableError
from multimodal.memory.log.opening import open_store
from multimodal.memory.log.sql.addresses import read_address
from multimodal.memory.log.sql.engines import make_engine
from multimodal.memory.log.sql.schema import FACTS, LOG

_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%memory_log_facts%'"


@pytest.fixture
def engine(postgresql_url):
    made = make_engine(read_address(postgresql_url))
    yield made
    made.dispose()


@contextmanager
def held_open(engine):
    """A transaction that has taken the next number and is not committed yet; yields what commits it."""
    with engine.connect() as connection:
        connection.execute(sa.update(FACTS).values(last_number=FACTS.c.last_number + 1))
        number = connection.execute(sa.select(FACTS.c.last_number)).scalar_one()
        row = connection.execute(sa.select(LOG).limit(1)).mappings().one()
        connection.execute(sa.insert(LOG).values({**row, "number": number, "post_id": "held"}))
        yield connection


def wait_for_a_waiting_writer(engine):
    with engine.connect() as connection:
        while (pid := connection.execute(sa.text(_WAITING)).scalar()) is None:
            connection.rollback()
    return pid


class TestTheOrderOfCommits:
    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_a_reader_between_two_open_transactions_misses_nothing(self, postgresql_url, engine, end):
        """The second cannot commit before the first, so what a reader has seen never gets an earlier neighbour."""
        with open_store(postgresql_url, "model-a") as store, open_store(postgresql_url, "model-a") as follower:
            store.append([post("first")])
            appended = []
            with held_open(engine) as connection:
                second = threading.Thread(target=lambda: appended.append(store.append([post("second")])))
                second.start()
                wait_for_a_waiting_writer(engine)
                assert [number for number, _ in follower.read()] == [1]
                assert (follower.last(), appended) == (1, [])
                getattr(connection, end)()
                second.join()
            numbers = [row.number for row in engine.connect().execute(sa.select(LOG.c.number).order_by(LOG.c.number))]
            # A number that was rolled back is given again: there are no gaps.
            assert numbers == ([1, 2, 3] if end == "commit" else [1, 2])
            assert appended == [numbers[-1]]

    def test_a_sequence_would_lose_what_commits_late(self, engine, postgresql_url):
        """Why numbers are not given by a sequence: there the later of two may be seen first."""
        open_store(postgresql_url, "model-a").close()
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE plain (id bigserial PRIMARY KEY)"))
        with engine.connect() as first, engine.connect() as second, engine.connect() as reader:
            first.execute(sa.text("INSERT INTO plain DEFAULT VALUES"))
            second.execute(sa.text("INSERT INTO plain DEFAULT VALUES"))
            second.commit()
            last = reader.execute(sa.text("SELECT max(id) FROM plain")).scalar()
            first.commit()
            reader.rollback()
            assert last == 2
            assert reader.execute(sa.text("SELECT count(*) FROM plain WHERE id > 2")).scalar() == 0
            assert reader.execute(sa.text("SELECT count(*) FROM plain")).scalar() == 2


class TestAway:
    def test_a_connection_that_is_cut_is_replaced(self, postgresql_url, engine):
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        with open_store(postgresql_url, "model-a") as store:
            store.append([post("a")])
            for call in (lambda: store.append([post("b")]), lambda: len(list(store.read())), store.last):
                with engine.connect() as connection:
                    connection.execute(sa.text(cut))
                assert call() == 2

    def test_a_writer_that_is_cut_off_appends_nothing(self, postgresql_url, engine):
        with open_store(postgresql_url, "model-a") as store:
            store.append([post("a")])
            failures = []

            def append():
                try:
                    store.append([post("b")])
                except StoreUnavailableError as error:
                    failures.append(str(error))

            with held_open(engine):
                writer = threading.Thread(target=append)
                writer.start()
                pid = wait_for_a_waiting_writer(engine)
                with engine.connect() as connection:
                    connection.execute(sa.text(f"SELECT pg_terminate_backend({pid})"))
                writer.join()
            (said,) = failures
            # Before 3.3, psycopg says what it was doing first.
            assert re.search(
                r"cannot be appended to: [\w ]*(: )?terminating connection due to administrator command", said
            )
            assert "Try again when it is back; nothing that was acknowledged is lost." in said
            assert store.append([post("b")]) == 2

    def test_one_that_takes_no_writes(self, postgresql_url, engine):
        with open_store(postgresql_url, "model-a") as store:
            store.append([post("a")])
        with open_store(postgresql_url + "%20-cdefault_transaction_read_only%3Don", "model-a") as store:
            with pytest.raises(
                StoreUnavailableError, match=r"read-only transaction. Allow this user to write, or choose"
            ):
                store.append([post("b")])
            assert store.last() == 1

    def test_a_server_that_is_stopped_and_started(self):
        if reason := why_not():
            pytest.skip(reason)
        server = PostgresqlServer()
        try:
            url = server.schema("away")
            with open_store(url, "model-a") as store:
                store.append([post("a")])
                for mode in ("fast", "immediate"):
                    server.stop(mode)
                    for call in (lambda: store.append([post("b")]), store.last, lambda: open_store(url, "model-a")):
                        with pytest.raises(
                            StoreUnavailableError, match=r"Try again when it is back; nothing that"
                        ) as no:
                            call()
                        assert "s3cret" not in str(no.value)
                    server.start()
                    assert [event.post_id for _, event in store.read()] == ["a"]
                assert store.append([post("b")]) == 2
        finally:
            server.remove()
