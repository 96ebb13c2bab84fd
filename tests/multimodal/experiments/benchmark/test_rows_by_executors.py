"""Rows that several processes make side by side are those of one process."""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from data_loaders.bulk.processes import Processes
from multimodal.commands.main import main
from multimodal.experiments.benchmark import searching
from multimodal.experiments.benchmark.entries import Entry, choose_entries
from multimodal.experiments.benchmark.running import run_benchmark
from multimodal.experiments.side_by_side import beside_others

pytest.importorskip("optuna")
sys.path.insert(0, str(Path(__file__).parent))

from rows_made import prepared, written


def entries():
    nowhere = Entry("broken", Path("debug"), ("encoder.caption={name: transformer, pretrained: /nowhere}",))
    return [*choose_entries("popularity,user_habit"), nowhere]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return prepared(tmp_path_factory.mktemp("data") / "dump", patch)


@pytest.fixture(scope="module")
def here(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    rows, failures = run_benchmark(entries(), data, folder, [5], trials=3)
    return rows, failures, written(folder, entries())


def side_by_side():
    return Processes(2, partial(beside_others, 1))


def test_models_figures_and_trials_are_the_same(here, data, tmp_path, capfd):
    rows, failures = run_benchmark(entries(), data, tmp_path, [5], trials=3, executor=side_by_side())
    assert [row.entry for row in rows] == [row.entry for row in here[0]]
    assert [(failure.entry, failure.reason) for failure in failures] == [
        (failure.entry, failure.reason) for failure in here[1]
    ]
    assert written(tmp_path, entries()) == here[2]
    assert len(here[2][0]) > 8
    assert "Making rows" in capfd.readouterr().err
    assert not (tmp_path / ".rows").exists()


def test_a_process_that_is_killed_in_a_search_costs_nothing_but_time(here, data, tmp_path, monkeypatch, caplog):
    score = searching._score

    def killed_at_the_second_trial(config, data, folder):
        if config.system == "user_habit":
            trials = tmp_path / "trials"
            trials.mkdir(exist_ok=True)
            (trials / str(len(list(trials.iterdir())))).touch()
            if len(list(trials.iterdir())) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        return score(config, data, folder)

    monkeypatch.setattr(searching, "_score", killed_at_the_second_trial)
    run_benchmark(entries(), data, tmp_path, [5], trials=3, executor=side_by_side())
    assert "a worker was killed by signal 9" in caplog.text
    assert len(list((tmp_path / "trials").iterdir())) == 4
    assert written(tmp_path, entries()) == here[2]


def test_the_command(here, data, tmp_path, capsys):
    arguments = ["--systems", "popularity,user_habit", "--trials", "3", "--k", "5", "--processes", "2", "--json"]
    assert main(["benchmark", "--data", str(data.folder), "--output", str(tmp_path), *arguments]) == 0
    assert len(json.loads(capsys.readouterr().out)["table"]) == 2
    assert written(tmp_path, entries()) == (*here[2][:2], here[2][2][:3])
