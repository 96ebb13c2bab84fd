"""The files of the index: damage, a full disk, superseded spans, and threads that build and ask."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading

import numpy as np
import pytest
from index_streams import ask, stream

from multimodal.memory.search import part_files
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.part_files import PartDamaged, check_part, save_part
from multimodal.memory.search.settings import IndexSettings

HOUR = 3_600_000_000
MIX = Likeness({"words": 0.5, "caption": 0.5}, power=4, decay=0.3)
TINY = IndexSettings(
    exact_posts=1,
    slice_posts=8,
    champions=3,
    postings=9,
    word_candidates=5,
    candidates=3,
    dense=DenseSettings(kind="flat"),
)
ASKED = stream(5, 1, instants=np.array([50, 120, 199, 200, 300]) * HOUR)


def same(one, other):
    assert one.positions.tolist() == other.positions.tolist()
    assert one.similarity.tobytes() == other.similarity.tobytes()


def answers(folder=None, posts=None):
    index = NeighbourIndex(stream(200) if posts is None else posts, TINY, folder)
    return ask(index, ASKED, 4, MIX), index


def flip(path):
    """Change the last bit of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def largest(folder):
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


class TestFiles:
    def test_are_written_once_and_opened_afterwards(self, tmp_path, monkeypatch):
        answer, _ = answers(tmp_path)
        written = sorted(tmp_path.iterdir())
        assert len(written) > 4
        monkeypatch.setattr("multimodal.memory.search.parts.save_part", None)
        same(answers(tmp_path)[0], answer)
        assert sorted(tmp_path.iterdir()) == written

    def test_are_not_taken_for_those_of_other_posts(self, tmp_path):
        answers(tmp_path)
        others = stream(200, seed=9)
        same(answers(tmp_path, others)[0], answers(None, others)[0])

    @pytest.mark.parametrize("damage", ["cut", "gone", "changed", "header"])
    def test_damaged_ones_are_named_and_built_again(self, damage, tmp_path, caplog):
        answer, _ = answers(tmp_path)
        path = largest(tmp_path)
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:-1])
        elif damage == "gone":
            path.unlink()
        elif damage == "header":
            path = max(tmp_path.iterdir()) / "part.json"
            path.write_text("{")
        else:
            flip(path)
        same(answers(tmp_path)[0], answer)
        [message] = [record.getMessage() for record in caplog.records]
        assert str(path) in message
        assert "It is built again from the posts." in message
        caplog.clear()
        same(answers(tmp_path)[0], answer)
        assert not caplog.records

    def test_those_that_another_process_drops_while_they_are_opened(self, tmp_path, monkeypatch, caplog):
        answer, _ = answers(tmp_path)
        read, dropped = part_files._hash, []

        def drop(path):
            if not dropped:
                dropped.append(path)
                shutil.rmtree(path.parent)
            return read(path)

        monkeypatch.setattr(part_files, "_hash", drop)
        same(answers(tmp_path)[0], answer)
        [message] = [record.getMessage() for record in caplog.records]
        assert f"{dropped[0]} (a part of the memory's index) cannot be read: No such file or directory." in message

    def test_those_that_another_process_drops_once_they_are_written(self, tmp_path, monkeypatch, caplog):
        def save_and_drop(folder, write):
            save_part(folder, write)
            shutil.rmtree(folder)

        monkeypatch.setattr("multimodal.memory.search.parts.save_part", save_and_drop)
        same(answers(tmp_path)[0], answers()[0])
        [message] = [record.getMessage() for record in caplog.records]
        assert f"the memory's index cannot be kept in {tmp_path} (" in message
        assert "No such file or directory" in message

    def test_one_that_is_finished_while_all_are_read(self, tmp_path, monkeypatch):
        _, index = answers(tmp_path)
        monkeypatch.setattr(index._parts, "_on_disk", lambda *first: [tmp_path / ".finished"] if first else [])
        assert index.verify() == []

    def test_are_read_wholly_on_request(self, tmp_path, monkeypatch):
        monkeypatch.setattr(part_files, "_SMALL_BYTES", 1)
        answer, index = answers(tmp_path)
        assert index.verify() == []
        path = largest(tmp_path)
        flip(path)
        assert index.verify() == [f"{path} (a part of the memory's index) is damaged: its content has changed."]
        same(ask(index, ASKED, 4, MIX), answer)
        assert index.verify() == []

    def test_those_that_nobody_has_opened_are_read_too(self, tmp_path, monkeypatch):
        monkeypatch.setattr(part_files, "_SMALL_BYTES", 1)
        answers(tmp_path)
        path = largest(tmp_path)
        flip(path)
        (tmp_path / ".left-by-a-killed-process").mkdir()
        (tmp_path / ".being-written").mkdir()
        os.utime(tmp_path / ".left-by-a-killed-process", (0, 0))
        index = NeighbourIndex(stream(200), TINY, tmp_path)
        assert index.verify() == [f"{path} (a part of the memory's index) is damaged: its content has changed."]
        assert not path.parent.exists()
        assert [folder.name for folder in tmp_path.glob(".*")] == [".being-written"]
        assert index.verify() == NeighbourIndex(stream(200), TINY).verify() == []

    def test_arrays_that_do_not_fit_are_named_although_they_are_sealed(self, tmp_path, caplog):
        """As of a program with an error: the checksums match."""
        answer, _ = answers(tmp_path)
        folder = next(path.parent for path in sorted(tmp_path.glob("*/codes.npy")))
        np.save(folder / "codes.npy", np.zeros((3, 4), np.uint8))
        header = json.loads((folder / "part.json").read_text())
        header["files"]["codes.npy"] = part_files._entry(folder / "codes.npy").model_dump()
        (folder / "part.json").write_text(json.dumps(header))
        same(answers(tmp_path)[0], answer)
        [message] = [record.getMessage() for record in caplog.records]
        assert "(the vectors of a span) is damaged: codes is of type uint8 and shape (3, 4)" in message
        assert (
            "`multimodal-hashtags memory rebuild` builds all spans again. It is built again from the posts." in message
        )

    def test_a_format_that_is_not_known_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(part_files, "FORMAT", 7)
        save_part(tmp_path / "part", lambda folder: folder.mkdir())
        monkeypatch.undo()
        with pytest.raises(PartDamaged, match="has the format 7; this version reads 1"):
            check_part(tmp_path / "part")

    def test_another_process_may_be_faster(self, tmp_path):
        def write(folder):
            folder.mkdir()
            shutil.copytree(folder, tmp_path / "part")
            (tmp_path / "part" / "part.json").write_text("theirs")

        save_part(tmp_path / "part", write)
        assert [path.name for path in tmp_path.iterdir()] == ["part"]
        assert (tmp_path / "part" / "part.json").read_text() == "theirs"


def test_a_full_disk_costs_one_warning_and_no_answer(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("multimodal.memory.search.word_span.np.save", full)
    same(answers(tmp_path)[0], answers()[0])
    assert [record.getMessage() for record in caplog.records] == [
        f"the memory's index cannot be kept in {tmp_path} ([Errno 28] No space left on device); it stays in memory."
    ]
    assert list(tmp_path.iterdir()) == []


def test_superseded_spans_are_dropped(tmp_path):
    posts = stream(400)
    index = NeighbourIndex(posts, TINY, tmp_path)
    steps = stream(60, 1, instants=np.linspace(50, 399, 60).astype(np.int64) * HOUR)
    rolling = ask(index, steps, 4, MIX)
    held = sum(len(place) for _, place, space in index._parts._kept if space == "words")
    assert held <= 3 * 400
    folders = len(list(tmp_path.iterdir()))
    assert folders == len(index._parts._kept)
    (tmp_path / "left by another").mkdir()
    index.prune()
    assert len(list(tmp_path.iterdir())) == folders
    same(ask(NeighbourIndex(posts, TINY), steps, 4, MIX), rolling)


def test_eight_threads_ask_while_one_appends_and_spans_are_built(tmp_path):
    whole = stream(300)
    posts = whole.part(0, 40)
    asked = stream(40, 1, instants=np.linspace(10, 40, 40).astype(np.int64) * HOUR)
    expected = ask(NeighbourIndex(whole, TINY), asked, 4, MIX)
    index = NeighbourIndex(posts, TINY, tmp_path, background=True)
    done, faults = threading.Event(), []

    def search(seed):
        draw = np.random.default_rng(seed)
        while not done.is_set():
            rows = draw.integers(0, 40, draw.integers(1, 6))
            found = ask(index, asked, 4, MIX, rows=rows)
            if found.positions.tolist() != expected.positions[rows].tolist():
                faults.append(rows)

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    now = stream(1, 2, instants=[10_000 * HOUR])
    for start in range(40, 300, 13):
        posts.extend(whole.part(start, min(start + 13, 300)))
        assert (ask(index, now, 4, MIX).positions >= 0).all()
    done.set()
    for thread in threads:
        thread.join()
    assert not faults
    same(ask(index, now, 4, MIX), ask(NeighbourIndex(whole, TINY), now, 4, MIX))


def test_a_thread_builds_ahead_of_questions():
    posts = stream(100)
    index = NeighbourIndex(posts, TINY, background=True)
    ask(index, ASKED, 4, MIX)
    posts.extend(stream(300, 2, instants=np.arange(100, 400) * HOUR))
    index.find(*_nothing_but_time(), 1, Likeness({"image": 1.0}))
    index._sealing.join()
    kept = {(place.start, place.stop) for _, place, space in index._parts._kept if space == "words"}
    assert (0, 256) in kept


def _nothing_but_time():
    return None, {"image": np.zeros((1, 4), np.float32)}, np.array([HOUR])
