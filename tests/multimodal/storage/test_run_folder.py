"""Run folder: whole files or none, errors that say what to do."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from data_loaders.errors import RunError
from data_loaders.locking import FolderInUseError
from multimodal.storage.run_folder import RunFolder, read_json, write_atomically, write_json


def test_json_in_and_out(tmp_path):
    path = tmp_path / "deep" / "values.json"
    write_json(path, {"größe": [1, None]})
    assert read_json(path, "sizes") == {"größe": [1, None]}
    assert [file.name for file in path.parent.iterdir()] == ["values.json"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "values.json"
    write_json(path, 1)

    def write(temporary):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match=r"No space left on device\); the previous file is kept"):
        write_atomically(path, write)
    assert read_json(path, "values") == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RunError, match=r"values\.json could not be written \((Not a directory|File exists)\)"):
        write_json(tmp_path / "runs" / "values.json", 1)


@pytest.mark.parametrize(("content", "message"), [(None, "is missing; train first"), ("{", "is damaged")])
def test_a_file_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "values.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RunError) as error:
        read_json(path, "what it is")
    assert f"{path} (what it is) {message}" in str(error.value)


def test_metrics_are_appended_and_the_environment_is_described(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.log({"step": 1})
    run.log({"step": 2, "tag": "é"})
    lines = [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]
    assert lines == [{"step": 1}, {"step": 2, "tag": "é"}]
    run.write_environment(data={"folder": "x"})
    environment = json.loads((run.path / "environment.json").read_text())
    assert environment["data"] == {"folder": "x"}
    assert {"python", "platform", "cores", "packages", "command"} <= set(environment)
    assert run.evaluation("test") == run.path / "evaluation" / "test"


def test_only_the_main_process_writes_the_log(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    monkeypatch.setattr("multimodal.distributed.processes.process_index", lambda: 1)
    run.log({"step": 1})
    assert not run.metrics.exists()
    monkeypatch.setattr("multimodal.distributed.processes.process_index", lambda: 0)
    run.log({"step": 2})
    assert json.loads(run.metrics.read_text()) == {"step": 2}


def test_files_get_the_mode_that_the_umask_asks_for(tmp_path):
    previous = os.umask(0o007)
    try:
        write_atomically(tmp_path / "a", lambda path: path.write_text(""))
        write_atomically(tmp_path / "b", lambda path: save_file({"x": np.zeros(1)}, path))
    finally:
        os.umask(previous)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o660}


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def full(path, *arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RunError) as error:
        RunFolder(tmp_path).log({"step": 1})
    text = str(error.value)
    assert text.startswith(f"{tmp_path / 'metrics.jsonl'} could not be written (No space left on device). The disk ")
    assert " is full. When it can, run the same command again: training goes on from its last checkpoint." in text


def test_lines_after_a_checkpoint_are_deleted_and_none_is_repeated(tmp_path):
    run = RunFolder(tmp_path)
    words, trial = {"event": "words"}, {"event": "trial"}
    steps = [{"event": "step", "step": step, "epoch": 0} for step in (1, 2, 3)]
    for record in (words, trial, *steps, {"event": "trained"}, words):
        run.log(record)
    with run.metrics.open("a") as file:
        file.write('{"event": "st')
    run.rewind(2, 0)
    assert [json.loads(line) for line in run.metrics.read_text().splitlines()] == [words, trial, *steps[:2]]


def test_one_process_trains_or_several_evaluate(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.in_use("training in it"):
        with pytest.raises(FolderInUseError) as error, run.in_use("evaluating it", shared=True):
            pass
        text = str(error.value)
        assert f"{run.path} is in use: process {os.getpid()} on {socket.gethostname()} has been training in it" in text
    with run.in_use("evaluating it", shared=True):
        with run.in_use("evaluating it", shared=True):
            pass
        with pytest.raises(FolderInUseError, match="has been evaluating it since"), run.in_use("training in it"):
            pass
    assert list(run.path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path):
    run = RunFolder(tmp_path)
    for left in (".metrics.jsonl.0123abcd.part", "checkpoints/.best-000000001.0123abcd.part/tensors", "mine.part"):
        (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / left).write_text("half")
    with run.in_use("training in it"):
        assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", "checkpoints", "mine.part"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    run = RunFolder(tmp_path / "file" / "run")
    with pytest.raises(RunError, match=r"run folder .*run cannot be written: Not a directory"), run.in_use("x"):
        pass
