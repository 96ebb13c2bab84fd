"""A memory opens from its log and from the files beside it; what is damaged is named, and never changes an answer."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from live_examples import ORIGIN, base, encode, facts, post, stream

from multimodal.memory.live import live_memory
from multimodal.memory.live.files_beside import folder_beside
from multimodal.memory.live.live_memory import LiveSettings
from multimodal.memory.live.opening import open_memory
from multimodal.memory.live.snapshot import Origin
from multimodal.memory.log.errors import StoreDamagedError, StoreError
from multimodal.memory.log.events import FeedbackGiven

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.sqlite"


@pytest.fixture
def opened(path):
    """Open the memory any number of times; all are closed at the end."""
    lives = []

    def open_it(at=path, model=None, origin=ORIGIN, **settings):
        memory = base() if model is None else model
        lives.append(open_memory(at, memory, origin, LiveSettings(**{"refresh_s": 0, **settings})))
        return lives[-1]

    yield open_it
    for live in lives:
        live.close()


def kept(folder):
    """Every byte that is kept beside each other: the log, its write-ahead log, the files."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_was_observed_is_there_again(opened):
    live = opened()
    live.observe(stream(6, 10), encode)
    live.correct(post(11, hashtags=("right",), caption="right"), encode)
    live.withdraw("p12")
    live.close()
    again = opened()
    assert facts(again.memory) == facts(live.memory)
    assert again.number == 8


def test_a_snapshot_saves_reading_the_log(opened, monkeypatch):
    live = opened()
    live.observe(stream(6, 10), encode)
    assert live.compact().posts == 10
    live.observe([post(20)], encode)
    live.close()
    read = []
    monkeypatch.setattr(live_memory, "apply", lambda memory, events: read.extend(events))
    again = opened()
    assert [event.post_id for event in read] == ["p20"]
    assert len(again.memory) == 10


def test_two_processes_with_one_file(opened):
    first, second = opened(), opened()
    for number in range(10, 20, 2):
        first.observe([post(number, when=5)], encode)
        second.observe([post(number + 1, when=5)], encode)
    first.follow()
    assert facts(first.memory) == facts(second.memory) == facts(opened().memory)
    second.forget("ann")
    first.follow()
    assert facts(first.memory) == facts(second.memory)
    second.compact()
    first.observe([post(30, "bob")], encode)
    first.follow()
    assert first.memory.alive is second.memory.alive is None
    assert first.place.generation == second.place.generation == 1
    second.follow()
    assert facts(first.memory) == facts(second.memory) == facts(opened().memory)


def test_another_model_is_refused(opened):
    opened().observe([post(10)], encode)
    with pytest.raises(StoreError, match="holds vectors of another model: its fingerprint is 'model-a', that of this"):
        opened(origin=Origin("model-b", "base-a"))


class TestSnapshots:
    @pytest.fixture
    def snapshot(self, opened, path):
        live = opened()
        live.observe(stream(6, 10), encode)
        live.forget("bob")
        live.compact()
        live.observe([post(20)], encode)
        live.close()
        self.right = facts(live.memory)
        return folder_beside(path) / "snapshot"

    def check(self, opened, caplog, message, **given):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            again = opened(**given)
        (said,) = [record.getMessage() for record in caplog.records]
        assert message in said
        assert "The memory is read from the log instead" in said
        assert "`multimodal-hashtags memory rebuild` writes the snapshot again." in said
        assert facts(again.memory) == self.right
        return again

    @pytest.mark.parametrize("name", ["memory.safetensors", "memory.json", "snapshot.json"])
    def test_a_damaged_one_is_named_and_not_used(self, opened, caplog, snapshot, name):
        file = snapshot / name
        file.write_bytes(file.read_bytes()[:-3])
        self.check(opened, caplog, f"{file}").compact()
        caplog.clear()
        assert facts(opened().memory) == self.right
        assert caplog.records == []

    def test_that_of_other_posts_of_the_model(self, opened, caplog, snapshot):
        self.check(opened, caplog, "was made from other posts of the model", origin=Origin("model-a", "base-b"))

    def test_that_of_another_log(self, opened, caplog, snapshot, path):
        path.unlink()
        snapshot.rename(path.with_name("aside"))
        live = opened()
        live.observe(stream(7, 40), encode)
        live.close()
        path.with_name("aside").rename(snapshot)
        self.right = facts(live.memory)
        self.check(opened, caplog, "was made from another log, or from one that lost entries since")

    @pytest.mark.parametrize("lost", ["deleted", "emptied"])
    def test_that_of_a_log_that_was_lost(self, opened, snapshot, path, tmp_path, lost):
        path.rename(tmp_path / "backup")
        if lost == "emptied":
            path.write_bytes(b"")
        message = rf"memory.sqlite is empty, but {snapshot} was made when it had 7 entries: the log was lost. Restore"
        for _ in range(2):
            with pytest.raises(StoreError, match=message):
                opened()
        (tmp_path / "backup").replace(path)
        assert facts(opened().memory) == self.right

    def test_without_that_of_a_lost_log_it_begins_anew(self, opened, snapshot, path):
        path.unlink()
        with pytest.raises(StoreError, match=rf"To start over, without what was observed, remove {snapshot}\."):
            opened()
        shutil.rmtree(snapshot)
        # Without bob, who stays forgotten.
        assert [one[0] for one in facts(opened().memory)[0]] == ["p0", "p2", "p3"]

    def test_a_missing_one_is_no_matter(self, opened, caplog, snapshot):
        shutil.rmtree(snapshot.parent)
        assert facts(opened().memory) == self.right
        assert caplog.records == []

    def test_one_is_written_beside_answering(self, opened, path, monkeypatch):
        live = opened(snapshot_events=5)
        for number in range(10, 30):
            live.observe([post(number)], encode)
        live.close()
        assert (folder_beside(path) / "snapshot" / "snapshot.json").exists()
        read = []
        monkeypatch.setattr(live_memory, "apply", lambda memory, events: read.extend(events))
        opened()
        assert len(read) <= 15

    def test_none_can_be_written(self, opened, path, caplog):
        folder_beside(path).write_text("in the way")
        live = opened(snapshot_events=5)
        with caplog.at_level(logging.WARNING):
            live.observe(stream(6, 10), encode)
            live.close()
        assert "no snapshot of the memory was written, which then opens more slowly" in caplog.text
        assert facts(opened().memory) == facts(live.memory)


def test_compacting_reads_all_files_of_the_index(opened, path, caplog):
    live = opened()
    live.observe(stream(6, 10), encode)
    spans = folder_beside(path) / "spans" / "0"
    spans.mkdir(parents=True)
    (spans / "left").mkdir()
    with caplog.at_level(logging.WARNING):
        live.compact()
    (said,) = [record.getMessage() for record in caplog.records]
    assert str(spans / "left" / "part.json") in said
    assert said.endswith("It is built again from the posts.")
    assert list(spans.iterdir()) == []


class TestForgetting:
    def test_nothing_is_left_on_the_disk(self, opened, path):
        live = opened(keep_captions=True)
        live.observe([post(10, "mallory", ("secret",), caption="hush"), *stream(3, 11)], encode)
        live.compact()
        live.give_feedback(FeedbackGiven(user_id="mallory", instant_us=1, post_id="p10", added=("secret",)))
        live.correct(post(10, hashtags=("secret2",), caption="hush hush"), encode)
        words = (b"mallory", b"secret", b"hush", b"p10")
        assert all(word in kept(path.parent) for word in words)
        live.forget("mallory")
        assert "secret" not in [live.memory.id_map[i] for p in range(len(live.memory)) if live.memory.alive[p]
                                for i in live.memory.hashtags_of(p)]  # fmt: skip
        done = live.compact()
        assert (done.users, done.entries, done.posts) == (1, 3, 7)
        live.close()
        assert [word for word in words if word in kept(path.parent)] == []
        assert facts(opened().memory) == facts(live.memory)

    def test_a_restored_copy_does_not_bring_a_user_back(self, opened, path, tmp_path, caplog):
        live = opened()
        live.observe(stream(6, 10), encode)
        live.give_feedback(FeedbackGiven(user_id="zoe", instant_us=1))
        live.close()
        copy = tmp_path / "backup"
        shutil.copy(path, copy)
        live = opened()
        live.forget("bob")
        live.forget("zoe")
        live.compact()
        right = facts(live.memory)
        live.observe([post(30, "bob", ("anew",))], encode)
        live.close()
        assert "p30" in opened().memory
        copy.replace(path)
        with caplog.at_level(logging.WARNING):
            again = opened()
        assert facts(again.memory) == right
        assert caplog.text.count("holds a user again who had been forgotten, and now is") == 2
        again.compact()
        again.close()
        assert b"zoe" not in kept(path.parent)
        assert len(list((folder_beside(path) / "forgotten").iterdir())) == 2
        caplog.clear()
        assert facts(opened().memory) == right
        assert caplog.records == []

    def test_a_tombstone_that_cannot_be_read_is_named(self, opened, path):
        live = opened()
        live.forget("bob")
        live.close()
        (stone,) = (folder_beside(path) / "forgotten").iterdir()
        assert "bob" not in stone.read_text()
        stone.write_text("{")
        with pytest.raises(
            StoreDamagedError, match=r"is damaged: .* Restore it from a backup: without it a restored log"
        ):
            opened()


def test_other_processes_need_not_be_closed(path, opened):
    """A process that was killed leaves a log that opens."""
    code = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from live_examples import *
from multimodal.memory.live.opening import open_memory
live = open_memory({str(path)!r}, base(), ORIGIN)
live.observe(stream(5, 10), encode)
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    plain = base()
    encode(plain, stream(5, 10))
    assert facts(opened().memory) == facts(plain)


def test_the_folder_beside_a_log(monkeypatch, tmp_path):
    assert folder_beside("a/memory.sqlite") == Path("a/memory.sqlite.files")
    assert folder_beside(Path("b.sqlite")) == folder_beside("sqlite:///b.sqlite") == Path("b.sqlite.files")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = (folder_beside(f"postgresql://ann:secret@server/{name}") for name in ("one", "two"))
    assert first != second
    assert first.parent == tmp_path / "multimodal-hashtags"
    # A password may change.
    for other in ("ann:n3w@server/one", "ann@server/one"):
        assert folder_beside(f"postgresql://{other}") == first
    options = {folder_beside(f"postgresql:///one?host=/a{more}") for more in ("&password=b", "", "&port=1", "&port=2")}
    assert len(options) == 3
    assert "secret" not in str(first)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folder_beside("postgresql://server/one").is_relative_to(Path.home() / ".cache")


def test_a_log_that_is_no_database_is_closed_again(path, opened):
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="is not a database"):
        opened()
