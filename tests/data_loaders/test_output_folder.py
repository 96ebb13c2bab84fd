"""A folder is made whole or not at all."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from data_loaders import output_folder
from data_loaders.errors import DataError
from data_loaders.locking import FolderInUseError
from data_loaders.output_folder import atomic_folder, check_replaceable, restore

NAMES = ("posts.parquet", "statistics.json")


def check(folder):
    check_replaceable(folder, "statistics.json", NAMES)


def test_it_appears_when_the_block_ends_well(tmp_path):
    output = tmp_path / "deep" / "output"
    with atomic_folder(output) as part:
        (part / "file").write_text("new")
        assert not output.exists()
    assert [path.name for path in output.parent.iterdir()] == ["output"]
    with atomic_folder(output) as part:
        (part / "other").write_text("newer")
    assert [path.name for path in output.iterdir()] == ["other"]
    assert [path.name for path in output.parent.iterdir()] == ["output"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError, OSError])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    output = tmp_path / "output"
    output.mkdir()
    (output / "file").write_text("old")

    def fail():
        with atomic_folder(output) as part:
            (part / "file").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
    assert (output / "file").read_text() == "old"


def test_where_no_folder_can_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be created"), atomic_folder(tmp_path / "file" / "output"):
        pass


def test_what_may_be_replaced(tmp_path):
    check(tmp_path / "none")
    check(tmp_path)
    (tmp_path / "statistics.json").write_text("{}")
    (tmp_path / "posts.parquet").write_text("")
    check(tmp_path)
    for name in ("b.jpg", "a.jpg", "c.jpg", "d.jpg"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"also contains a\.jpg, b\.jpg, c\.jpg and 1 more, which replacing it would"):
        check(tmp_path)
    (tmp_path / "statistics.json").unlink()
    with pytest.raises(DataError, match=r"but no statistics\.json, so it is not a prepared folder"):
        check(tmp_path)
    with pytest.raises(DataError, match="is a file; give a folder"):
        check(tmp_path / "a.jpg")


LEFT = (".output.0123abcd.part", ".output.89abcdef.old")


def replace(output, text="new"):
    with atomic_folder(output) as part:
        (part / "file").write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_killed_processes_left_beside_it_is_removed(tmp_path):
    for name in (*LEFT, ".other.0123abcd.part", ".output.part", "output"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / ".output.lock").write_text("of a killed process")
    replace(tmp_path / "output")
    assert names(tmp_path) == [".other.0123abcd.part", ".output.part", "output"]
    assert (tmp_path / "output" / "file").read_text() == "new"


@pytest.mark.parametrize("way", [restore, replace])
def test_a_folder_left_under_its_hidden_name_only_is_put_back(tmp_path, way, caplog):
    for name in LEFT:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    way(tmp_path / "output")
    assert names(tmp_path) == ["output"]
    assert (tmp_path / "output" / "file").read_text() == ("new" if way is replace else LEFT[1])
    assert f"{tmp_path / 'output'} was put back: a process was killed while it replaced the folder" in caplog.text


def test_restoring_touches_nothing_that_is_there(tmp_path):
    restore(tmp_path / "output")
    restore(tmp_path / "no" / "output")
    (tmp_path / "output").mkdir()
    (tmp_path / LEFT[1]).mkdir()
    restore(tmp_path / "output")
    assert names(tmp_path) == [LEFT[1], "output"]


@pytest.mark.parametrize("exchanges", [True, False])
def test_with_and_without_the_exchange_of_folders(tmp_path, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(output_folder.sys, "platform", "other")
    for text in ("old", "new"):
        replace(tmp_path / "output", text)
    assert names(tmp_path) == ["output"]
    assert (tmp_path / "output" / "file").read_text() == "new"


def test_two_processes_do_not_write_it_at_once(tmp_path):
    with atomic_folder(tmp_path / "output", "preparing it") as part:
        with (
            pytest.raises(FolderInUseError, match=r"output is in use: process \d+ on .* has been preparing it since"),
            atomic_folder(tmp_path / "output"),
        ):
            pass
        assert part.exists()


def test_files_get_the_mode_that_the_umask_asks_for(tmp_path):
    previous = os.umask(0o027)
    try:
        with atomic_folder(tmp_path / "output") as part:
            save_file({"x": np.zeros(1)}, part / "memory.safetensors")
            (part / "deep").mkdir()
            (part / "deep" / "file").touch(0o600)
    finally:
        os.umask(previous)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "output").rglob("*")}
    assert modes == {"memory.safetensors": "0o640", "deep": "0o750", "file": "0o640"}


def test_a_link_to_a_folder_is_replaced_and_its_target_kept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "output").symlink_to("elsewhere")
    replace(tmp_path / "output")
    assert names(tmp_path) == ["elsewhere", "output"]
    assert not (tmp_path / "output").is_symlink()


def test_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "output").mkdir()
    monkeypatch.chdir(tmp_path / "output")
    replace(Path())
    assert names(tmp_path) == ["output"]


@pytest.mark.parametrize("by", [".", "absolute"])
def test_the_working_directory_is_entered_again(tmp_path, monkeypatch, caplog, by):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with atomic_folder(here if by == "absolute" else Path(by)) as part:
        (part / "new").write_text("content")
    assert Path("new").read_text() == "content"
    assert Path.cwd() == here.resolve()
    assert f"the folder you are in was replaced; enter it again: cd {here.resolve()}" in caplog.text


def test_a_name_that_is_not_utf8_is_refused_before_anything_is_made(tmp_path):
    output = tmp_path / os.fsdecode(b"a\xff")
    for refuse in (lambda: check_replaceable(output, "x", ()), lambda: atomic_folder(output).__enter__()):
        with pytest.raises(DataError, match=r"output '.*a\\udcff': the name is not UTF-8; choose another --output"):
            refuse()
    assert not any(tmp_path.iterdir())
