"""Checkpoints are written whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest
import torch

from data_loaders.errors import RunError, full_disk
from multimodal.training import checkpoints
from multimodal.training.checkpoints import (
    OPTIMISER,
    OPTIMISER_TENSORS,
    STATE,
    TENSORS,
    load_checkpoint,
    save_checkpoint,
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def save(folder, step, value=1.0, name="last"):
    save_checkpoint(folder, name, {"step": step, "best": -math.inf}, {"w": torch.full((3,), value)}, {"lr": value})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def no_space(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_nothing_is_there(folder):
    assert load_checkpoint(folder, "last") is None


def test_what_was_saved_comes_back(folder):
    save(folder, 7, 2.5)
    state, tensors, optimiser = load_checkpoint(folder, "last")
    assert state == {"step": 7, "best": -math.inf}
    assert tensors["w"].tolist() == [2.5] * 3
    assert optimiser == {"lr": 2.5}
    assert names(folder) == ["last-000000007"]


def test_the_optimiser_may_be_left_out(folder):
    save_checkpoint(folder, "best", {"step": 1}, {"w": torch.ones(1)})
    assert load_checkpoint(folder, "best")[2] is None


def test_tensors_may_share_memory_and_be_views(folder):
    whole = torch.arange(6.0)
    save_checkpoint(folder, "last", {"step": 1}, {"a": whole, "b": whole, "c": whole.view(2, 3).T})
    tensors = load_checkpoint(folder, "last")[1]
    assert tensors["b"].tolist() == whole.tolist()
    assert tensors["c"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_only_the_two_newest_of_a_kind_are_kept(folder):
    save(folder, 8)
    save(folder, 9)
    save(folder, 4, name="best")
    save(folder, 10, 3.0)
    assert names(folder) == ["best-000000004", "last-000000009", "last-000000010"]
    assert load_checkpoint(folder, "last")[1]["w"].tolist() == [3.0] * 3


def test_a_damaged_checkpoint_costs_what_was_done_since_the_one_before(folder, caplog):
    save(folder, 10, 1.0)
    save(folder, 20, 2.0)
    (folder / "last-000000020" / TENSORS).write_bytes(b"")
    state, tensors, _ = load_checkpoint(folder, "last")
    assert (state["step"], tensors["w"].tolist()) == (10, [1.0] * 3)
    (message,) = caplog.messages
    assert message.startswith(f"checkpoint {folder / 'last-000000020'} cannot be read (")
    assert message.endswith("); going on from the earlier last-000000010")
    save(folder, 15, 3.0)
    assert names(folder) == ["last-000000010", "last-000000015"], "what came after is written again"


def test_the_best_epoch_and_no_other_is_asked_for(folder):
    for epoch in (1, 2):
        save_checkpoint(folder, "best", {"step": 10 * epoch, "epoch": epoch}, {"w": torch.full((1,), float(epoch))})
    assert load_checkpoint(folder, "best", epoch=1)[1]["w"].tolist() == [1.0]
    assert load_checkpoint(folder, "best", epoch=3) is None
    (folder / "best-000000020" / STATE).write_text("{")
    with pytest.raises(RunError, match=r"best-000000020 cannot be read .* there is no other to go on from"):
        load_checkpoint(folder, "best", epoch=2)


def test_everybody_who_may_by_the_umask_can_read_them(folder):
    previous = os.umask(0o027)
    try:
        save(folder, 1)
    finally:
        os.umask(previous)
    modes = {path.stat().st_mode & 0o777 for path in (folder / "last-000000001").iterdir()}
    assert modes == {0o640}


def test_a_step_can_be_saved_again(folder):
    save(folder, 5, 1.0)
    save(folder, 5, 2.0)
    assert names(folder) == ["last-000000005"]
    assert load_checkpoint(folder, "last")[1]["w"].tolist() == [2.0] * 3


def test_what_a_killed_process_left_is_ignored_and_removed_by_the_next(folder):
    save(folder, 5)
    for left in (".last-000000006.0123abcd.part", ".last-000000004.replaced", "last-000000008"):
        (folder / left).mkdir()
        (folder / left / TENSORS).write_bytes(b"half")
    assert load_checkpoint(folder, "last")[0]["step"] == 5
    save(folder, 6)
    assert names(folder) == ["last-000000005", "last-000000006", "last-000000008"]


@pytest.mark.parametrize("step", [5, 6])
@pytest.mark.parametrize("where", ["tensors", "values", "in place"])
def test_a_full_disk_leaves_the_earlier_checkpoint(folder, monkeypatch, step, where):
    save(folder, 5, 1.0)
    if where == "tensors":
        monkeypatch.setattr(checkpoints, "save_file", no_space)
    elif where == "values":
        monkeypatch.setattr(Path, "write_text", no_space)
    else:
        monkeypatch.setattr(checkpoints, "replace_folder", no_space)
    with pytest.raises(RunError) as error:
        save(folder, step, 2.0)
    assert str(error.value) == (
        f"checkpoint {folder / f'last-00000000{step}'} could not be written "
        "([Errno 28] No space left on device); earlier checkpoints are kept."
        f"{full_disk(OSError(errno.ENOSPC, ''), folder)}"
    )
    monkeypatch.undo()
    assert names(folder) == ["last-000000005"]
    assert load_checkpoint(folder, "last")[1]["w"].tolist() == [1.0] * 3


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="could not be written"):
        save(tmp_path / "file" / "checkpoints", 1)


@pytest.mark.parametrize(
    "file, content",
    [
        (STATE, b"{"),
        (STATE, b"\xff\xfe"),
        (TENSORS, b"short"),
        (TENSORS, None),
        (OPTIMISER, b""),
        (OPTIMISER, b"{}"),
        (OPTIMISER_TENSORS, None),
        (OPTIMISER_TENSORS, b"{"),
    ],
)
def test_a_damaged_checkpoint_is_named(folder, file, content):
    save(folder, 5)
    damaged = folder / "last-000000005" / file
    if content is None:
        damaged.unlink()
    else:
        damaged.write_bytes(content)
    with pytest.raises(RunError) as error:
        load_checkpoint(folder, "last")
    text = str(error.value)
    assert text.startswith(f"checkpoint {folder / 'last-000000005'} cannot be read (")
    assert text.endswith("), and there is no other to go on from; start over with --overwrite.")
    assert "\n" not in text


def test_the_files_can_be_read_without_this_program(folder):
    save(folder, 5)
    assert json.loads((folder / "last-000000005" / STATE).read_text())["step"] == 5
    assert {path.suffix for path in (folder / "last-000000005").iterdir()} == {".json", ".safetensors"}
