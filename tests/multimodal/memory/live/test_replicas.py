"""Replicas of one log, on SQLite and PostgreSQL, that do not know yet what the others did."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_examples import ORIGIN, base, encode, facts, post, stream

from data_loaders.errors import UserError
from data_loaders.locking import FolderInUseError
from data_loaders.posts import Post
from multimodal.memory.live import snapshot
from multimodal.memory.live.live_memory import LiveSettings
from multimodal.memory.live.opening import open_memory
from multimodal.memory.live.snapshot import SnapshotError
from multimodal.memory.log.errors import PostExistsError, StoreUnavailableError
from multimodal.memory.log.events import FeedbackGiven, UserForgotten
from multimodal.memory.log.opening import open_store
from multimodal.memory.log.pseudonyms import is_pseudonym

ROOT = Path(__file__).resolve().parents[4]
STALE = 1e9


@pytest.fixture
def replica(address, tmp_path):
    """Open replicas of one log, each on a machine of its own; all are closed at the end."""
    lives = []

    def open_it(machine="one", **settings):
        chosen = LiveSettings(**{"refresh_s": 0, **settings})
        lives.append(open_memory(address, base(), ORIGIN, chosen, tmp_path / machine))
        return lives[-1]

    yield open_it
    for live in lives:
        live.close()


def agree(*lives):
    """Whether all know the same once they have read the same."""
    for live in lives:
        live.refresh()
    return all(facts(live.memory) == facts(lives[0].memory) for live in lives)


class TestTwoMachines:
    def test_observe_here_and_follow_there(self, replica):
        first, second = replica("one"), replica("two")
        first.observe(stream(6, 10), encode)
        second.follow()
        assert facts(second.memory) == facts(first.memory)
        second.correct(post(10, hashtags=("right",)), None)
        second.withdraw("p11")
        first.follow()
        assert agree(first, second, replica("three"))
        assert "p11" not in first.memory

    def test_forget_and_compact(self, replica, tmp_path, address):
        first, second, third = replica("one"), replica("two"), replica("three")
        first.observe([post(10, "mallory", ("secret",)), *stream(5, 11)], encode)
        second.refresh()
        assert second.forget("mallory") == 1
        assert second.compact().entries == 1
        assert agree(first, second, third, replica("four"))
        assert "p10" not in first.memory
        first.compact()
        assert first.memory.alive is None
        with open_store(address, None) as store:
            (forgotten,) = [event for _, event in store.read() if isinstance(event, UserForgotten)]
        assert is_pseudonym(forgotten.user_id)
        for machine in ("one", "two", "three", "four"):
            (stone,) = (tmp_path / machine / "forgotten").iterdir()
            assert forgotten.user_id in stone.read_text()
            assert b"mallory" not in b"".join(
                path.read_bytes() for path in (tmp_path / machine / "forgotten").iterdir()
            )
        assert agree(first, replica("one"), replica("five"))

    def test_clocks_that_differ_decide_nothing(self, replica, monkeypatch):
        first, second = replica("one"), replica("two")
        for number, (live, clock) in enumerate(
            [(first, 4_000_000_000), (second, 5), (first, 5), (second, 4_000_000_000)]
        ):
            monkeypatch.setattr(time, "time_ns", lambda clock=clock: clock * 10**9)
            monkeypatch.setattr(time, "time", lambda clock=clock: clock)
            live.follow()
            live.observe([Post(post_id=f"now{number}", user_id="ann", hashtags=("sea",))], encode)
            live.give_feedback(FeedbackGiven(user_id="ann", instant_us=clock * 10**6, accepted=("sea",)))
            live.forget(f"user{number}")
        assert agree(first, second, replica("three"))
        newest = [first.memory.post_ids[position] for position in first.positions_of("ann")][-4:]
        assert newest == ["now0", "now1", "now2", "now3"]


class TestWhoDoesNotKnowYet:
    def test_observes_after_the_user_was_forgotten(self, replica):
        first, stale = replica("one"), replica("two", refresh_s=STALE)
        first.observe([post(10, "ann", ("old",))], encode)
        stale.refresh()
        first.forget("ann")
        stale.observe([post(11, "ann", ("new",))], encode)
        # The log decides: first forgotten, then a new beginning.
        assert agree(first, stale, replica("three"))
        assert facts(stale.memory)[1]["ann"] == ["p11"]
        assert first.compact().entries == 1
        assert agree(first, stale, replica("three"), replica("four"))
        assert facts(stale.memory)[1]["ann"] == ["p11"]

    def test_corrects_what_was_withdrawn(self, replica):
        first, stale = replica("one"), replica("two", refresh_s=STALE)
        first.observe(stream(3, 10), encode)
        stale.refresh()
        first.withdraw("p10")
        stale.correct(post(10, hashtags=("late",)), None)
        assert agree(first, stale, replica("three"))
        assert "p10" not in stale.memory
        with pytest.raises(UserError, match="post 'p10' is not remembered"):
            stale.correct(post(10, hashtags=("later",)), None)
        with pytest.raises(PostExistsError, match="post 'p10' is in the log"):
            first.observe([post(10)], encode)

    def test_corrects_what_was_forgotten_and_it_is_erased_too(self, replica, address):
        first, stale = replica("one"), replica("two", refresh_s=STALE)
        first.observe([post(10, "mallory", ("old",)), post(11, "bob")], encode)
        stale.refresh()
        first.forget("mallory")
        stale.correct(post(10, hashtags=("secret",)), None)
        assert first.compact().entries == 2
        with open_store(address, None) as store:
            assert [type(event).__name__ for _, event in store.read()] == ["PostObserved", "UserForgotten"]
        assert agree(first, stale, replica("three"))

    def test_the_last_event_may_be_one_that_is_erased(self, replica, caplog):
        first, stale = replica("one"), replica("two", refresh_s=STALE)
        first.observe([post(10, "mallory"), post(11, "bob")], encode)
        stale.refresh()
        first.forget("mallory")
        stale.correct(post(10, hashtags=("secret",)), None)
        first.compact()
        first.close()
        assert facts(replica("one").memory) == facts(first.memory)
        assert caplog.records == []

    def test_observes_what_another_observed(self, replica):
        first, stale = replica("one"), replica("two", refresh_s=STALE)
        first.observe([post(10)], encode)
        with pytest.raises(
            PostExistsError, match=r"post 'p10' is in the log .* already; none of the 2 posts was appended"
        ):
            stale.observe([post(11), post(10)], encode)
        stale.observe([post(11)], encode)
        assert agree(first, stale)

    def test_follows_a_log_from_which_was_erased_what_it_had_not_read(self, replica):
        first, stale = replica("one"), replica("two", refresh_s=STALE)
        first.observe([post(10, "ann"), post(11, "bob")], encode)
        stale.refresh()
        first.observe([post(12, "ann")], encode)
        first.forget("ann")
        first.compact()
        first.observe([post(13, "ann", ("again",))], encode)
        assert agree(first, stale, replica("three"))
        assert facts(stale.memory)[1]["ann"] == ["p13"]


def test_compacting_while_another_process_observes(address, tmp_path):
    """One observes and forgets without a pause, the other compacts without a pause; then both know the same."""
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from live_examples import *
from pathlib import Path
from multimodal.memory.live.opening import open_memory
settings = LiveSettings(refresh_s=0, snapshot_events=10)
live = open_memory({address!r}, base(), ORIGIN, settings, Path({str(tmp_path / "one")!r}))
print("ready", flush=True)
for number in range(40):
    live.observe([post(1_000 + 2 * number, f"user{{number % 5}}"), post(1_001 + 2 * number, "bob")], encode)
    live.follow()
    if number % 7 == 6:
        live.forget(f"user{{number % 5}}")
live.close()
"""
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    worker.stdout.readline()
    live = open_memory(address, base(), ORIGIN, LiveSettings(refresh_s=0), tmp_path / "one")
    compacted, refusals = 0, set()
    while worker.poll() is None or not compacted:
        try:
            live.compact()
            compacted += 1
        except UserError as error:
            refusals.add(type(error))
    assert refusals <= {FolderInUseError, SnapshotError, StoreUnavailableError}
    assert worker.returncode == 0, worker.stderr.read()
    worker.stdout.close()
    worker.stderr.close()
    live.refresh()
    again = open_memory(address, base(), ORIGIN, LiveSettings(refresh_s=0), tmp_path / "two")
    opened = open_memory(address, base(), ORIGIN, LiveSettings(refresh_s=0), tmp_path / "one")
    assert facts(live.memory) == facts(again.memory) == facts(opened.memory)
    assert len(facts(live.memory)[1]["bob"]) == 41
    for one in (live, again, opened):
        one.close()


class TestSnapshotsThatChangeMeanwhile:
    def test_one_that_is_replaced_while_it_is_read_is_read_again(self, replica, monkeypatch):
        first = replica()
        first.observe(stream(6, 10), encode)
        first.compact()
        whole, reads = snapshot._read, []

        def interrupted(folder, like, origin):
            reads.append(folder)
            if len(reads) == 1:
                first.observe([post(20)], encode)
                first.compact()
                raise SnapshotError("its files are of two snapshots")
            return whole(folder, like, origin)

        monkeypatch.setattr(snapshot, "_read", interrupted)
        second = replica()
        assert len(reads) == 3  # the second of them by what compacts
        assert facts(second.memory) == facts(first.memory)

    def test_what_is_known_stays_known_if_the_log_goes_away_while_a_compaction_is_taken_over(
        self, replica, monkeypatch
    ):
        first, second = replica(), replica()
        first.observe(stream(6, 10), encode)
        second.refresh()
        first.withdraw("p10")
        first.compact()
        second.store.append([])
        before = facts(second.memory)
        place = second.place
        monkeypatch.setattr(second.store, "read", away)
        with pytest.raises(StoreUnavailableError, match="the log is away"):
            second.refresh()
        assert (facts(second.memory), second.place) == (before, place)
        monkeypatch.undo()
        assert agree(first, second)
        assert second.memory.alive is None

    def test_an_answer_while_a_compaction_is_taken_over_knows_all_and_nobody_forgotten(self, replica, monkeypatch):
        live = replica()
        live.observe(stream(6, 10), encode)
        read, clean, seen = live.store.read, live.store.clean, []

        def look(*given):
            seen.append(("p20" in live.memory, live.positions_of("bob")))
            return read(*given)

        def change_meanwhile():
            clean()
            live.observe([post(20)], encode)
            live.forget("bob")
            monkeypatch.setattr(live.store, "read", look)

        monkeypatch.setattr(live.store, "clean", change_meanwhile)
        live.compact()
        assert len(seen) > 1
        assert seen == [(True, [])] * len(seen)
        assert agree(live, replica())

    def test_a_snapshot_that_is_refused_is_replaced_by_the_next(self, replica, tmp_path, caplog):
        first = replica()
        first.observe(stream(6, 10), encode)
        first.withdraw("p10")
        first.compact()
        first.close()
        file = tmp_path / "one" / "snapshot" / "memory.safetensors"
        file.write_bytes(file.read_bytes()[:-1])
        second = replica(snapshot_events=3)
        second.observe(stream(6, 20), encode)
        second.close()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        caplog.clear()
        assert facts(replica().memory) == facts(second.memory)
        assert caplog.records == []


def test_the_files_of_another_log_are_not_taken_over(replica, tmp_path, caplog):
    first = replica("shared")
    first.observe(stream(5, 10), encode)
    other = open_memory(tmp_path / "other.sqlite", base(), ORIGIN, LiveSettings(refresh_s=0), tmp_path / "shared")
    other.observe(stream(6, 30), encode)
    other.withdraw("p30")
    other.compact()
    before = facts(first.memory)
    with caplog.at_level(logging.WARNING):
        first.refresh()
    assert "the compacted memory is not taken over" in caplog.text
    assert "was made from another log, or from one that lost entries since" in caplog.text
    assert facts(first.memory) == before
    other.close()


def away(after=0, limit=None):
    raise StoreUnavailableError("the log is away")


def test_an_older_copy_in_place_of_the_log(replica, address, caplog):
    from multimodal.memory.log.sql.addresses import read_address
    from multimodal.memory.log.sql.engines import make_engine
    from multimodal.memory.log.sql.schema import FACTS, LOG

    live = replica()
    live.observe(stream(4, 10), encode)
    engine = make_engine(read_address(address))
    with engine.begin() as connection:
        connection.execute(LOG.delete().where(LOG.c.number > 2))
        connection.execute(FACTS.update().values(last_number=2))
    engine.dispose()
    before = facts(live.memory)
    with pytest.raises(StoreUnavailableError, match="ends with entry 2, but entry 4 was read from it"):
        live.observe([post(20)], encode)
    with caplog.at_level(logging.WARNING):
        live.follow()
    assert "answers go on from the 8 posts that are known" in caplog.text
    assert facts(live.memory) == before
    again = replica("two")
    again.observe([post(20)], encode)
    assert {"p11", "p20"} <= set(again.memory.post_ids)


def test_tombstones_that_cannot_be_written_are_tried_again(replica, tmp_path, caplog):
    live = replica()
    live.observe(stream(4, 10), encode)
    (tmp_path / "one").mkdir(exist_ok=True)
    (tmp_path / "one" / "forgotten").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert live.forget("bob") == 2
    assert "a backup that is restored would bring a forgotten user back" in caplog.text
    (tmp_path / "one" / "forgotten").unlink()
    live.compact()
    assert len(list((tmp_path / "one" / "forgotten").iterdir())) == 1
