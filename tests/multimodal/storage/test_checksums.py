"""Checksums of a folder: what was changed, what is missing, what was added."""

from __future__ import annotations

import hashlib
import json

import pytest

from data_loaders.errors import RunError
from multimodal.storage.checksums import check_checksums, with_checksums


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "encoder").mkdir()
    (tmp_path / "words.json").write_text("[]")
    (tmp_path / "encoder" / "weights").write_bytes(b"123")
    values = with_checksums(tmp_path, "model.json", {"system": "x", "share": 0.1})
    (tmp_path / "model.json").write_text(json.dumps(values))
    return tmp_path


def values_of(folder):
    return json.loads((folder / "model.json").read_text())


def test_every_file_is_listed_and_a_whole_folder_passes(folder):
    values = values_of(folder)
    assert list(values["checksums"]) == ["encoder/weights", "words.json", "model.json"]
    assert values["checksums"]["encoder/weights"] == "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
    assert check_checksums(folder, "model.json", values)
    (folder / "README.md").write_text("what people add")
    (folder / "encoder" / "README.md").write_text("what people add")
    (folder / "encoder" / ".DS_Store").write_text("what a computer adds")
    assert check_checksums(folder, "model.json", values)


def test_a_model_of_an_earlier_version_has_none(folder):
    assert not check_checksums(folder, "model.json", {"system": "x"})


def test_a_changed_file_is_named(folder):
    (folder / "encoder" / "weights").write_bytes(b"124")
    with pytest.raises(RunError) as error:
        check_checksums(folder, "model.json", values_of(folder))
    assert str(error.value) == (
        f"{folder / 'encoder' / 'weights'} is damaged: its checksum is not that of the file that was saved, so it was "
        "changed or copied incompletely. Copy the model again. Train again if there is no good copy."
    )


@pytest.mark.parametrize("change", [{"share": 0.2}, {"more": 1}, {"system": None}])
def test_a_changed_value_of_the_description_is_damage_too(folder, change):
    with pytest.raises(RunError, match=r"model.json is damaged: its checksum is not that of the file that was saved"):
        check_checksums(folder, "model.json", {**values_of(folder), **change})


def test_a_missing_file_is_named(folder):
    (folder / "words.json").unlink()
    with pytest.raises(RunError, match=r"words.json \(part of the model\) is missing; the folder is partial"):
        check_checksums(folder, "model.json", values_of(folder))


def test_a_file_that_was_added_where_it_would_be_read(folder):
    (folder / "encoder" / "added_tokens.json").write_text("{}")
    with pytest.raises(RunError, match=r"added_tokens.json is not part of the model that was saved; remove it"):
        check_checksums(folder, "model.json", values_of(folder))


@pytest.mark.parametrize("outside", ["/etc/hostname", "../outside", "encoder/../../outside"])
def test_files_outside_are_never_read(folder, outside):
    values = {"system": "x", "checksums": {outside: "0"}}
    text = json.dumps(values, sort_keys=True)
    values["checksums"]["model.json"] = hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(RunError, match="which lies outside of the model"):
        check_checksums(folder, "model.json", values)
