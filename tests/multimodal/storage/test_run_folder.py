"""Run folder: whole files or none, errors that say what to do."""

from __future__ import annotations

import errno
import json

import pytest

from data_loaders.errors import RunError
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
