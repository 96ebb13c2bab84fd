"""A dump that is read in parts gives the same prepared folder as one that is read at once, also after a kill."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from data_loaders.bulk.executor import InProcess
from data_loaders.bulk.processes import Processes
from data_loaders.errors import DataError
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.reading import part as part_module
from data_loaders.prepare.reading import staged_posts
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.readers import parquet, several_files
from data_loaders.readers.base import ReaderOptions

sys.path.insert(0, str(Path(__file__).parent))

from dump_of_days import bytes_of, days, record

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch):
    """Drawing takes longer than all the rest."""
    monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])


def whole_and_parts(tmp_path, source, monkeypatch, options=None, **settings):
    """Prepare a dump at once, and in parts by several processes."""
    for name, module in (("_PART_BYTES", several_files), ("_PART_ROWS", parquet)):
        monkeypatch.setattr(module, name, 1 << 40)
    arguments = {"settings": PrepareSettings(**settings), "options": options}
    prepare(source, tmp_path / "whole" / "prepared", executor=InProcess(), **arguments)
    for name, module in (("_PART_BYTES", several_files), ("_PART_ROWS", parquet)):
        monkeypatch.setattr(module, name, 1)
    prepare(source, tmp_path / "parts" / "prepared", executor=Processes(3), **arguments)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["prepared"]
    return bytes_of(tmp_path / "whole" / "prepared"), bytes_of(tmp_path / "parts" / "prepared")


def test_files_read_by_several_processes(tmp_path, monkeypatch):
    whole, parts = whole_and_parts(tmp_path, days(tmp_path / "dump", monkeypatch), monkeypatch)
    assert parts == whole
    assert json.loads(parts["statistics.json"])["notes"][0].startswith("5 files are read as one dump")


def test_row_groups_of_one_file_with_ids_made_of_row_numbers(tmp_path, monkeypatch):
    rows = [{name: value for name, value in record(number).items() if name != "post_id"} for number in range(60)]
    (tmp_path / "dump").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "dump" / "posts.parquet", row_group_size=7)
    options = ReaderOptions(number_rows=True)
    whole, parts = whole_and_parts(tmp_path, tmp_path / "dump" / "posts.parquet", monkeypatch, options)
    assert parts == whole
    assert json.loads(parts["statistics.json"])["notes"][0].startswith("60 records have no id and got one")
    ids = {post.post_id for post in PreparedData.open(tmp_path / "parts" / "prepared").posts()}
    assert ids == {f"posts.parquet:{row}" for row in range(1, 61)}


def test_a_post_that_two_files_have_is_kept_once_with_its_notes(tmp_path, monkeypatch):
    records = [record(number) for number in range(60)]
    records[50] = record(3, caption="the second #sea", timestamp="the day before")
    records[13] = record(13, timestamp="tomorrow")
    records[51] = record(4, user_id="someone", caption="the third #onlyhere")
    whole, parts = whole_and_parts(tmp_path, days(tmp_path / "dump", monkeypatch, records), monkeypatch)
    assert {name: content for name, content in parts.items() if name != "rejected.jsonl"} == {
        name: content for name, content in whole.items() if name != "rejected.jsonl"
    }
    assert sorted(parts["rejected.jsonl"].splitlines()) == sorted(whole["rejected.jsonl"].splitlines())
    statistics = json.loads(parts["statistics.json"])
    assert statistics["rejected"] == {"refused": {"duplicate_post_id": 2}, "kept": {"absurd_timestamp": 1}}
    assert statistics["distinct_hashtags"] == 6


def test_pictures_of_an_archive_are_copied_once_and_only_those_of_kept_posts(tmp_path, monkeypatch):
    records = [record(number) for number in range(60)]
    for number, name in ((2, "a.jpg"), (20, "b.jpg"), (40, "a.jpg")):
        records[number]["image"] = name
    records[55] = record(5, image="c.jpg")
    folder = days(tmp_path / "unpacked", monkeypatch, records)
    for seed, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        noise = np.random.default_rng(seed).integers(256, size=(6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 48)).save(folder / name)
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    whole, parts = whole_and_parts(tmp_path, tmp_path / "dump.zip", monkeypatch)
    assert {name: parts[name] for name in parts if name != "rejected.jsonl"} == {
        name: whole[name] for name in whole if name != "rejected.jsonl"
    }
    assert sum(name.startswith("copied_pictures/") for name in parts) == 2
    assert any("2 pictures from inside of archives" in note for note in json.loads(parts["statistics.json"])["notes"])


def test_the_order_of_the_folder_does_not_depend_on_what_is_looked_for_at_once(tmp_path, monkeypatch):
    folder = days(tmp_path / "dump", monkeypatch)
    prepare(folder, tmp_path / "a" / "prepared")
    monkeypatch.setattr(staged_posts, "_ROWS_AT_ONCE", staged_posts._ROWS)
    prepare(folder, tmp_path / "b" / "prepared")
    assert bytes_of(tmp_path / "a" / "prepared") == bytes_of(tmp_path / "b" / "prepared")


def killed_while_reading(folder, output, file):
    """Prepare in a process that is killed when it opens a file of the dump."""
    code = f"""
import os, signal, sys
from data_loaders.prepare.prepare import prepare
from data_loaders.readers import several_files
several_files._PART_BYTES = 1
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith({file!r}) and seen.append(1) is None and len(seen) > {{last}}:
        os.kill(os.getpid(), signal.SIGKILL)
seen = []
sys.addaudithook(watch)
prepare({str(folder)!r}, {str(output)!r})
"""
    # Detection, the check that files are alike and the estimate of records open each file, too.
    probe = code.format(last=10**6) + "print(len(seen))"
    opened = int(run(probe.replace(str(output), f"{output}-probe")).stdout)
    return run(code.format(last=opened - 1))


def run(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_after_a_kill_finished_parts_are_not_read_again(tmp_path, monkeypatch):
    folder, output = days(tmp_path / "dump", monkeypatch), tmp_path / "out" / "prepared"
    assert killed_while_reading(folder, output, "day3.jsonl").returncode == -signal.SIGKILL
    assert not output.exists()
    (store,) = [path for path in output.parent.iterdir() if path.name == ".prepared.parts"]
    assert sum(not path.name.startswith(".") for path in store.iterdir()) == 3
    read = []
    write = part_module.ReadPart.write
    monkeypatch.setattr(part_module.ReadPart, "write", lambda task, *rest: (read.append(task), write(task, *rest))[1])
    prepare(folder, output)
    assert len(read) == 2
    again = tmp_path / "again" / "prepared"
    prepare(folder, again)
    assert bytes_of(output) == bytes_of(again)
    assert sorted(path.name for path in output.parent.iterdir()) == ["prepared", "prepared-probe"]


def test_a_part_whose_file_or_settings_changed_is_read_again(tmp_path, monkeypatch):
    folder, output = days(tmp_path / "dump", monkeypatch), tmp_path / "out" / "prepared"

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr("data_loaders.prepare.prepare.split_posts", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(folder, output)
    names = {path.name for path in (output.parent / ".prepared.parts").iterdir()}
    assert len(names) == 5
    read = []
    write = part_module.ReadPart.write
    monkeypatch.setattr(
        part_module.ReadPart, "write", lambda task, *rest: (read.append(task.name), write(task, *rest))[1]
    )
    changed = [json.dumps(record(number)) for number in range(100, 112)]
    (folder / "day1.jsonl").write_text("\n".join(changed), encoding="utf-8")
    prepare(folder, output)
    assert len(read) == 1
    assert "p105" in {post.post_id for post in PreparedData.open(output).posts()}
    read.clear()
    prepare(folder, output, PrepareSettings(plain_hashtags=True))
    assert len(read) == 5
    assert not names & set(read)


def test_ctrl_c_says_where_the_parts_are_and_an_error_keeps_none(tmp_path, monkeypatch, caplog):
    folder, output = days(tmp_path / "dump", monkeypatch), tmp_path / "out" / "prepared"
    write = part_module.ReadPart.write

    def stop(task, *rest):
        if task.reader.identity()[-1][0].endswith("day2.jsonl"):
            raise KeyboardInterrupt
        write(task, *rest)

    with monkeypatch.context() as stopped:
        stopped.setattr(part_module.ReadPart, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(folder, output)
    assert f"2 of 5 parts of the dump are read; they are kept in {output.parent}/.prepared.parts" in caplog.text

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data_loaders.prepare.prepare.write_posts", full)
    with pytest.raises(DataError, match="nothing was written"):
        prepare(folder, output)
    assert list(output.parent.iterdir()) == []
