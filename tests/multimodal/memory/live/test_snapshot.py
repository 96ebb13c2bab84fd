"""A snapshot is a cache: it opens as it was written, or says why it does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from live_examples import ORIGIN, base, empty, encode, facts, post, stream

from data_loaders.locking import FolderInUseError, locked
from data_loaders.output_folder import lock_of
from multimodal.memory.live.snapshot import LogPlace, SnapshotError, generation_of, mark, read_snapshot, write_snapshot
from multimodal.memory.log.events import PostObserved, PostWithdrawn, UserForgotten

PLACE = LogPlace(36, "the last event", 2)


@pytest.fixture
def snapshot(tmp_path):
    folder = tmp_path / "beside" / "snapshot"
    write_snapshot(folder, base(40), ORIGIN, PLACE)
    return folder


def test_it_opens_as_it_was_written(snapshot):
    memory, place = read_snapshot(snapshot, empty(), ORIGIN)
    assert facts(memory) == facts(base(40))
    assert place == PLACE
    assert generation_of(snapshot) == 2
    encode(memory, [post(50)])
    assert "p50" in memory


def test_dead_posts_keep_their_positions(tmp_path):
    memory = empty()
    encode(memory, [*stream(8), post(8, "mallory"), post(9, "bob")])
    memory.forget("mallory")
    memory.withdraw(["p9", "p1"])
    memory.correct(post(2, hashtags=("right",)))
    encode(memory, [post(10, "mallory", when=4)])
    write_snapshot(tmp_path / "snapshot", memory, ORIGIN, LogPlace(1))
    again, _ = read_snapshot(tmp_path / "snapshot", empty(), ORIGIN)
    assert facts(again) == facts(memory)
    assert again.alive.tolist() == memory.alive.tolist()
    assert list(again.post_ids) == list(memory.post_ids)
    assert (again.position_of("p2"), again.position_of("p1"), again.now_us) == (10, None, memory.now_us)
    for one in (memory, again):
        one.correct(post(2, hashtags=("more",)))
        one.forget("mallory")
        encode(one, [post(20, "mallory")])
    assert facts(again) == facts(memory)
    assert facts(again.living()) == facts(memory.living())


def test_the_living_hold_nothing_of_dead_posts(tmp_path):
    memory = empty()
    encode(memory, [*stream(8), post(8, "mallory", ("secret",))])
    memory.forget("mallory")
    memory.withdraw(["p1"])
    write_snapshot(tmp_path / "snapshot", memory.living(), ORIGIN, LogPlace(1))
    assert facts(read_snapshot(tmp_path / "snapshot", empty(), ORIGIN)[0]) == facts(memory)
    held = b"".join(path.read_bytes() for path in (tmp_path / "snapshot").iterdir())
    assert not any(word in held for word in (b"mallory", b"secret", b'"p1"'))


def test_there_may_be_none(tmp_path):
    assert read_snapshot(tmp_path / "snapshot", empty(), ORIGIN) is None


def test_a_new_one_replaces_it_in_one_step(snapshot):
    mapped, _ = read_snapshot(snapshot, empty(), ORIGIN)
    before = facts(mapped)
    write_snapshot(snapshot, base(60), ORIGIN, LogPlace(56, generation=2))
    assert facts(read_snapshot(snapshot, empty(), ORIGIN)[0]) == facts(base(60))
    assert facts(mapped) == before
    assert [path.name for path in snapshot.parent.iterdir()] == ["snapshot"]


def test_one_that_was_compacted_is_not_replaced_by_what_was_not(snapshot):
    with pytest.raises(SnapshotError, match="was compacted by another process meanwhile"):
        write_snapshot(snapshot, base(60), ORIGIN, LogPlace(56, generation=1))
    assert read_snapshot(snapshot, empty(), ORIGIN)[1] == PLACE


def test_one_process_at_a_time_writes_it(snapshot):
    with (
        locked(lock_of(snapshot), snapshot, "compacting"),
        pytest.raises(FolderInUseError, match="has been compacting since"),
    ):
        write_snapshot(snapshot, base(41), ORIGIN, LogPlace(37))
    assert read_snapshot(snapshot, empty(), ORIGIN)[1] == PLACE


@pytest.mark.parametrize("name", ["memory.safetensors", "memory.json"])
def test_a_file_that_was_cut_or_changed_is_named(snapshot, name):
    path = snapshot / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    with pytest.raises(SnapshotError, match=rf"{name} is damaged: it has [\d,]+ bytes, [\d,]+ were written"):
        read_snapshot(snapshot, empty(), ORIGIN)
    for place in (len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotError, match=rf"{name} is damaged: its checksum is not that of what was written"):
            read_snapshot(snapshot, empty(), ORIGIN)
    path.unlink()
    with pytest.raises(SnapshotError, match=rf"{name} cannot be read: No such file"):
        read_snapshot(snapshot, empty(), ORIGIN)


def test_the_list_of_files_is_damaged(snapshot):
    path = snapshot / "snapshot.json"
    values = json.loads(path.read_text())
    for changed, message in {
        "{": "is damaged: Expecting",
        json.dumps({**values, "number": -1}): "is damaged: number: Input should be greater than or equal to 0, got -1",
        json.dumps({**values, "version": 2}): "is of version 2; this program reads version 1",
    }.items():
        path.write_text(changed)
        with pytest.raises(SnapshotError, match=message):
            read_snapshot(snapshot, empty(), ORIGIN)
    path.unlink()
    with pytest.raises(SnapshotError, match=r"snapshot.json \(the snapshot of a memory\) is missing"):
        read_snapshot(snapshot, empty(), ORIGIN)


def test_that_of_another_model_or_of_other_posts_of_the_model(snapshot):
    with pytest.raises(SnapshotError, match="was made by another model"):
        read_snapshot(snapshot, empty(), replace(ORIGIN, fingerprint="model-b"))
    with pytest.raises(SnapshotError, match="was made from other posts of the model than those that are saved with it"):
        read_snapshot(snapshot, empty(), replace(ORIGIN, base="base-b"))


def test_the_mark_of_an_event_survives_that_its_user_is_erased():
    observed = PostObserved(post_id="p", user_id="ann", instant_us=3, hashtags=())
    assert mark(observed) == "PostObserved 3 " + mark(PostWithdrawn(post_id="p")).split()[-1]
    assert mark(observed) != mark(replace(observed, instant_us=4)) != mark(replace(observed, post_id="q"))
    assert mark(UserForgotten(user_id="ann", instant_us=3)) == mark(UserForgotten(user_id="sha256:0", instant_us=3))
