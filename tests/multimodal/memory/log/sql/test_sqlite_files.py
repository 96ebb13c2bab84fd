"""A log in a SQLite file: what cannot be opened, a full disk, damage, and what erasing leaves in the file."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

import numpy as np
import pytest
from event_examples import post

from multimodal.memory.log.errors import PostExistsError, StoreDamagedError, StoreError, StoreUnavailableError
from multimodal.memory.log.events import PostCorrected, UserForgotten
from multimodal.memory.log.opening import open_store

NOBODY = 65_534


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.sqlite"


def large(number, user_id="ann", width=1_500):
    return post(f"p{number}", user_id, vectors={"x": np.full(width, number, np.float32)})


def pragma(store, words):
    """Run a pragma on the connection of a log."""
    with store._engine.connect() as connection:
        return connection.connection.driver_connection.execute(f"PRAGMA {words}").fetchone()


class TestPaths:
    def test_a_folder(self, tmp_path):
        with pytest.raises(StoreError, match=r"is a folder; give the path of a file, such as .*/memory.sqlite"):
            open_store(tmp_path, "model-a")

    def test_a_folder_that_does_not_exist(self, path):
        with pytest.raises(StoreError, match=r"cannot be made: the folder .*/nowhere does not exist; make it first"):
            open_store(path.parent / "nowhere" / "memory.sqlite", "model-a")

    @pytest.mark.parametrize("content", [b"no database", b"no database" * 1_000, bytes(5_000), b"SQLite format 3"])
    def test_a_file_that_is_no_database(self, path, content):
        path.write_bytes(content)
        with pytest.raises(
            StoreUnavailableError, match=r"is not a database. It is not an SQLite database; choose another"
        ):
            open_store(path, "model-a")
        assert path.read_bytes() == content

    def test_the_database_of_another_program(self, path):
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE songs (title TEXT)")
        with pytest.raises(StoreError, match=r"is the database of another program: it holds the table 'songs'. Choose"):
            open_store(path, "model-a")
        with sqlite3.connect(path) as connection:
            assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == ["songs"]

    def test_a_file_that_is_moved_and_put_back(self, path):
        with open_store(path, "model-a") as store:
            store.append([post("a")])
            path.rename(path.with_name("away"))
            with pytest.raises(
                StoreUnavailableError, match=r"was moved, deleted or replaced while it was open. Put it ba"
            ):
                store.append([post("b")])
            assert [event.post_id for _, event in store.read()] == ["a"]
            path.with_name("away").rename(path)
            assert store.append([post("b")]) == 2

    @pytest.mark.parametrize("what", ["file", "folder"])
    def test_what_may_not_be_written(self, what):
        with tempfile.TemporaryDirectory(dir="/tmp") as name:
            folder = Path(name)
            folder.chmod(0o755)
            path = folder / "memory.sqlite"
            if what == "file":
                open_store(path, "model-a").close()
            folder.chmod(0o555)
            user = os.geteuid()
            try:
                os.seteuid(NOBODY if user == 0 else user)  # root may write everything
                with pytest.raises(StoreUnavailableError, match=r"allowed to write in it|Allow this user to write"):
                    open_store(path, "model-a")
            finally:
                os.seteuid(user)
                folder.chmod(0o755)


class TestAFullDisk:
    def test_nothing_of_the_batch_is_kept_and_it_goes_on_later(self, path):
        with open_store(path, "model-a") as store:
            store.append([large(0)])
            pragma(store, f"max_page_count={pragma(store, 'page_count')[0] + 8}")
            with pytest.raises(
                StoreUnavailableError, match=r"database or disk is full. Free some space, and try again"
            ):
                store.append([large(number) for number in range(1, 20)])
            assert store.last() == 1
            assert store.append([large(1)]) == 2
            pragma(store, "max_page_count=100000")
            assert store.append([large(number) for number in range(2, 20)]) == 20
        with open_store(path, None) as again:
            assert [event.post_id for _, event in again.read()] == [f"p{number}" for number in range(20)]


class TestDamage:
    @pytest.fixture
    def whole(self, path):
        with open_store(path, "model-a") as store:
            store.append([large(number, width=200) for number in range(120)])
        return path.read_bytes()

    @pytest.mark.parametrize("share", [0.0003, 0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
    def test_a_file_that_was_cut_off(self, path, whole, share):
        path.write_bytes(whole[: int(len(whole) * share)])
        with (
            pytest.raises((StoreDamagedError, StoreUnavailableError), match=r"[Rr]estore|is not a database"),
            open_store(path, "model-a") as store,
        ):
            list(store.read())

    def test_bits_that_flip_lose_and_change_no_entry_unseen(self, path, whole):
        draw = np.random.default_rng(0)
        with open_store(path, None) as store:
            right = {number: event.vectors["x"].tobytes() for number, event in store.read()}
        for place in draw.integers(100, len(whole), 60).tolist():
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(draw.integers(8)))]) + whole[place + 1 :])
            try:
                with open_store(path, "model-a") as store:
                    found = {number: event.vectors["x"].tobytes() for number, event in store.read()}
            except StoreError:
                continue
            assert found == right

    def test_a_whole_file_passes_the_check(self, path, whole):
        with open_store(path, "model-a") as store:
            assert store.check() is None

    def test_a_page_of_entries_that_leads_nowhere_is_found_without_reading_them(self, path, whole):
        """The pointers of an inner page of the table are exchanged for zeros."""
        inner = next(start for start in range(4096, len(whole), 4096) if whole[start] == 5)
        path.write_bytes(whole[: inner + 12] + bytes(40) + whole[inner + 52 :])
        with open_store(path, "model-a") as store:
            assert store.last() == 120
            with pytest.raises(StoreDamagedError, match=r"is damaged: SQLite finds '.+'\. Restore it from a backup\."):
                store.check()


class TestErasing:
    def test_nothing_is_left_after_a_vacuum(self, path):
        """Rows of every size, so that SQLite rearranges its pages; others are added and erased between."""
        draw = np.random.default_rng(1)
        secret = b"5ecre7"
        with open_store(path, "model-a") as store:
            for number in range(400):
                user = "mallory-5ecre7" if number % 3 == 0 else f"user{number % 7}"
                tags = (
                    ("5ecre7" * int(draw.integers(1, 300)),)
                    if number % 3 == 0
                    else ("sea" * int(draw.integers(1, 900)),)
                )
                store.append([post(f"p{number}", user, hashtags=tags)])
            store.append([PostCorrected(post_id="p0", user_id="mallory-5ecre7", hashtags=("5ecre7",))])
            store.append([UserForgotten(user_id=user, instant_us=1) for user in ("mallory-5ecre7", "user1")])
            assert secret in path.read_bytes() + path.with_name("memory.sqlite-wal").read_bytes()
            store.erase("user1")
            store.erase("mallory-5ecre7")
            store.clean()
            assert path.with_name("memory.sqlite-wal").stat().st_size == 0
        with sqlite3.connect(path) as connection:
            connection.execute("VACUUM")
        connection.close()
        held = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert secret not in held
        with open_store(path, None) as again:
            assert len(list(again.read())) == 400 - 134 - 38 + 2

    def test_a_reader_that_stands_in_the_way_is_told_of(self, path, monkeypatch):
        with open_store(path, "model-a") as store, sqlite3.connect(path) as reader:
            store.append([post("a", "mallory"), UserForgotten(user_id="mallory", instant_us=1)])
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM memory_log").fetchone()
            store.erase("mallory")
            pragma(store, "busy_timeout=0")
            with pytest.raises(
                StoreUnavailableError, match="is still in its write-ahead log: another process reads it"
            ):
                store.clean()
            reader.execute("COMMIT")
            store.clean()
            assert b"mallory" not in path.read_bytes() + path.with_name("memory.sqlite-wal").read_bytes()


def test_a_backup_while_others_write_is_whole(path, tmp_path):
    with open_store(path, "model-a") as store:
        store.append([large(number) for number in range(5)])
        with sqlite3.connect(path) as source, sqlite3.connect(tmp_path / "backup") as target:
            source.backup(target)
        store.append([large(5)])
    with open_store(tmp_path / "backup", None) as backup:
        assert backup.append([large(5)]) == 6
        with pytest.raises(PostExistsError):
            backup.append([large(4)])
