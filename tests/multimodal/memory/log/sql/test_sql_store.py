"""What both databases do beside the contract: processes, forks, versions, models, older copies, and erasing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from event_examples import post

from multimodal.memory.log.errors import (
    ForeignStoreError,
    PostExistsError,
    StoreDamagedError,
    StoreError,
    StoreUnavailableError,
)
from multimodal.memory.log.events import FeedbackGiven, PostCorrected, PostWithdrawn, UserForgotten
from multimodal.memory.log.opening import open_store
from multimodal.memory.log.pseudonyms import pseudonym
from multimodal.memory.log.sql.addresses import read_address
from multimodal.memory.log.sql.engines import make_engine

ROOT = Path(__file__).resolve().parents[5]
EXAMPLES = Path(__file__).parents[2]
# A process that appends batches of two and reads them.
APPENDS = """
import os, sys
sys.path[:0] = [{root!r}, {examples!r}]
from event_examples import post
from multimodal.memory.log.opening import open_store
with open_store({address!r}, "model-a") as store:
    for number in range(15):
        last = store.append([post(f"{{os.getpid()}}-{{number}}-{{row}}") for row in range(2)])
        assert [event.post_id for _, event in store.read(last - 2)][:2] == [
            f"{{os.getpid()}}-{{number}}-{{row}}" for row in range(2)]
"""


def change(address, *statements):
    """Change the tables behind the back of the log."""
    engine = make_engine(read_address(address))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_two_processes_make_a_log_and_append_while_another_follows(address):
    code = APPENDS.format(root=str(ROOT), examples=str(EXAMPLES), address=address)
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    seen = []
    with open_store(address, "model-a") as store:
        while len(seen) < 60 and any(writer.poll() in (None, 0) for writer in writers):
            seen += list(store.read(seen[-1][0] if seen else 0))
        assert [writer.wait() for writer in writers] == [0, 0]
        assert [number for number, _ in seen] == list(range(1, 61))
        assert [event.post_id for _, event in store.read()] == [event.post_id for _, event in seen]


def test_a_fork_has_connections_of_its_own(address):
    code = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}, {str(EXAMPLES)!r}]
from event_examples import post
from multimodal.memory.log.opening import open_store
store = open_store({address!r}, "model-a")
store.append([post("before")])
children = []
for name in ("x", "y"):
    child = os.fork()
    if not child:
        store.append([post(name)])
        found = [event.post_id for _, event in store.read()]
        store.close()
        os._exit(int(not {{"before", name}} <= set(found)))
    children.append(child)
store.append([post("parent")])
failed = [os.waitpid(child, 0)[1] for child in children]
store.append([post("after")])
found = [event.post_id for _, event in store.read()]
raise SystemExit(any(failed) or sorted(found) != ["after", "before", "parent", "x", "y"] or found[-1] != "after")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with open_store(address, None) as store:
        assert store.last() == 5


class TestOpening:
    def test_another_model(self, address):
        open_store(address, "model-a").close()
        with pytest.raises(
            ForeignStoreError,
            match=r"holds vectors of another model: its fingerprint is 'model-a', that of this model 'model-b'.",
        ) as refused:
            open_store(address, "model-b")
        assert "s3cret" not in str(refused.value)
        with open_store(address, None) as store:
            assert store.fingerprint == "model-a"

    def test_no_log(self, address):
        with pytest.raises(StoreError, match=r"there is no log at .*; it is made when a model opens it"):
            open_store(address, None)

    def test_a_newer_version(self, address):
        open_store(address, "model-a").close()
        change(address, "UPDATE memory_log_version SET version_num = '0099'")
        with pytest.raises(StoreError, match=r"has version 0099; this program knows versions up to \d{4}. Install the"):
            open_store(address, "model-a")

    @pytest.mark.parametrize("lost", ["memory_log_facts", "memory_log_version"])
    def test_a_table_without_its_row(self, address, lost):
        open_store(address, "model-a").close()
        change(address, f"DELETE FROM {lost}")
        with pytest.raises(StoreDamagedError, match=r"[Rr]estore (it|the log) from a backup") as refused:
            open_store(address, "model-a")
        assert "s3cret" not in str(refused.value)

    def test_a_closed_one(self, address):
        store = open_store(address, "model-a")
        store.close()
        store.close()
        for call in (store.last, lambda: store.append([post("a")]), lambda: list(store.read())):
            with pytest.raises(StoreError, match=r"the log .* is closed; open it again"):
                call()


@pytest.mark.parametrize("column", ["payload = payload || ' '", "instant_us = instant_us + 1", "arrays = NULL"])
def test_an_entry_that_was_changed_is_named(address, column):
    with open_store(address, "model-a") as store:
        store.append([post("a"), post("b", vectors={"x": np.ones(3, np.float32)}), post("c")])
    change(address, f"UPDATE memory_log SET {column} WHERE number = 2")
    with open_store(address, None) as store:
        assert [event.post_id for _, event in store.read(limit=1)] == ["a"]
        with pytest.raises(StoreDamagedError, match=r"entry 2 of the log .* is damaged: its checksum does not match"):
            list(store.read())
        assert [event.post_id for _, event in store.read(after=2)] == ["c"]


def test_an_older_copy_that_takes_the_place_of_an_open_log(address):
    with open_store(address, "model-a") as store, open_store(address, "model-a") as fresh:
        store.append([post("a"), post("b")])
        change(address, "DELETE FROM memory_log WHERE number = 2")
        change(address, "UPDATE memory_log_facts SET last_number = 1")
        message = r"ends with entry 1, but entry 2 was read from it: an older copy was put in its place .* Open the mem"
        for call in (store.last, lambda: store.append([post("c")])):
            with pytest.raises(StoreUnavailableError, match=message):
                call()
        assert fresh.append([post("c")]) == 2


class TestErasing:
    def test_pseudonyms_have_the_salt_of_the_log(self, address):
        with open_store(address, "model-a") as store, open_store(address, "model-a") as other:
            store.append([post("a1"), UserForgotten(user_id="ann", instant_us=2)])
            assert store.salt == other.salt
            assert other.erase("ann") == 1
            ((_, forgotten),) = store.read()
            assert forgotten.user_id == pseudonym("ann", store.salt) != pseudonym("ann", None)
            assert [number for number, _ in store.of_user("ann")] == [2]

    def test_what_an_earlier_version_erased_is_still_known(self, address):
        old = UserForgotten(user_id=pseudonym("ann", None), instant_us=2)
        with open_store(address, "model-a") as store:
            store.append([old, post("a1"), UserForgotten(user_id=pseudonym("ann", "ab" * 16), instant_us=3)])
            assert store.to_erase() == []
            assert [number for number, _ in store.of_user("ann")] == [1, 2, 3]
            assert store.erase("ann") == 1
            assert {event.user_id for _, event in store.read()} == {pseudonym("ann", store.salt)}

    def test_a_log_of_the_first_version_gets_a_salt(self, address):
        with open_store(address, "model-a") as store:
            store.append([post("a1"), UserForgotten(user_id="ann", instant_us=2)])
            before = store.salt
        change(
            address,
            "DROP INDEX memory_log_forgotten",
            "ALTER TABLE memory_log_facts DROP COLUMN salt",
            "UPDATE memory_log_version SET version_num = '0001'",
        )
        with open_store(address, None) as store:
            assert store.salt != before
            assert store.to_erase() == ["ann"]
            assert store.erase("ann") == 1
        with open_store(address, "model-a") as again:
            assert again.salt == store.salt

    def test_what_a_stale_process_appended_behind_the_forgetting_goes_too(self, address):
        with open_store(address, "model-a") as store:
            store.append(
                [
                    post("a1"),
                    UserForgotten(user_id="ann", instant_us=2),
                    PostCorrected(post_id="a1", user_id="ann", hashtags=("late",)),
                    PostWithdrawn(post_id="of the model", user_id="ann"),
                    FeedbackGiven(user_id="bob", instant_us=3, post_id="a1", shown=("sea",)),
                    post("a2"),
                    PostCorrected(post_id="a2", user_id="ann", hashtags=("anew",)),
                    FeedbackGiven(user_id="ann", instant_us=4, shown=("sea",)),
                ]
            )
            assert store.erase("ann") == 3
            assert [number for number, _ in store.read()] == [2, 5, 6, 7, 8]

    def test_an_id_is_free_again_only_once_it_is_erased(self, address):
        with open_store(address, "model-a") as store:
            store.append([post("a1"), UserForgotten(user_id="ann", instant_us=2)])
            with pytest.raises(PostExistsError, match=r"post 'a1' is in the log .* already"):
                store.append([post("a1")])
            store.erase("ann")
            store.clean()
            assert store.append([post("a1")]) == 3


def test_the_password_is_in_no_message(postgresql_url):
    with open_store(postgresql_url, "model-a") as store:
        store.append([post("a")])
        assert "s3cret" in postgresql_url
        assert "s3cret" not in store.location
        messages = []
        for call in (
            lambda: store.append([post("a")]),
            lambda: store.erase("nobody"),
            lambda: open_store(postgresql_url, "model-b"),
            lambda: open_store(postgresql_url.replace("/postgres?", "/nothing?"), "model-a"),
            lambda: open_store(postgresql_url.replace("tester", "nobody"), "model-a"),
            lambda: open_store(postgresql_url + "missing", "model-a"),
        ):
            with pytest.raises(StoreError) as refused:
                call()
            messages.append(str(refused.value))
    assert not any("s3cret" in message for message in messages)
    assert "Make the database first, or correct the URL." in messages[3]
    assert "Correct the user in the URL." in messages[4]
    assert "Make the schema of the search path first." in messages[5]
