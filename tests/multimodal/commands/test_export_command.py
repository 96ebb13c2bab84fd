"""The command `export`, and `evaluate` of what it wrote, of several runs and of patterns."""

from __future__ import annotations

import json
import shutil

import pytest

from data_loaders.errors import UserError
from multimodal.commands.run_paths import run_folders


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "runs" / "user_habit")


def test_out_and_in_again(command, run, prepared, tmp_path):
    assert command("evaluate", "--run", run, "--data", prepared, "--k", "1-3").returncode == 0
    out = tmp_path / "out"
    done = command("export", "--run", run, "--data", prepared, "--format", "trec", "--output", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["written"] == [str(out / "run.trec"), str(out / "qrels.trec")]
    given = ("--predictions", out / "run.trec", "--data", prepared, "--name", "theirs", "--output", tmp_path / "theirs")
    done = command("evaluate", *given, "--k", "1-3", "--report")
    assert done.returncode == 0, done.stderr
    assert "theirs on the test split of" in done.stdout
    assert "history not stated" in done.stdout
    assert done.stdout.splitlines()[-1] == f"next: multimodal-hashtags compare RUN {tmp_path / 'theirs'} --split test"
    done = command("compare", run, tmp_path / "theirs", "--k", "3", "--json")
    assert [row["difference"] for row in json.loads(done.stdout)["table"]] == [None, 0.0]


def test_several_runs(command, run, prepared):
    shutil.copytree(run, run.parent / "twin")
    done = command("evaluate", "--run", run.parent, "--data", prepared, "--k", "1-2", "--json")
    assert done.returncode == 0, done.stderr
    folders = [one["folder"] for one in json.loads(done.stdout)["evaluations"]]
    assert folders == [str(run.parent / name / "evaluation" / "test") for name in ("twin", "user_habit")]
    shutil.rmtree(run.parent / "twin" / "model")
    done = command("evaluate", "--run", run.parent / "*", "--data", prepared, "--k", "1-2")
    assert done.returncode == 2
    assert "Metrics at K" in done.stdout
    assert f"runs that could not be evaluated:\n  {run.parent / 'twin'}: " in done.stderr


def test_mistakes(command, prepared, tmp_path):
    mistakes = {
        (): "give --run with run folders, or --predictions with a file of another program; one of the two",
        ("--run", "a", "--predictions", "b.csv"): "one of the two",
        ("--run", "a", "--name", "x"): "--name belongs to --predictions",
        ("--predictions", tmp_path / "no.csv"): "no.csv (predictions) is missing",
        ("--run", tmp_path / "*none*"): "no run folder matches",
    }
    for arguments, message in mistakes.items():
        done = command("evaluate", "--data", prepared, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
    done = command("export", "--run", tmp_path, "--data", prepared, "--format", "csv", "--output", tmp_path / "out")
    assert "has no evaluation 'test'" in done.stderr


def test_which_runs_a_path_means(tmp_path):
    for name in ("a_seed0", "a_seed1", "b"):
        (tmp_path / "runs" / name / "model").mkdir(parents=True)
    (tmp_path / "runs" / "notes").mkdir()
    runs = tmp_path / "runs"
    assert run_folders([runs]) == [runs / "a_seed0", runs / "a_seed1", runs / "b"]
    assert run_folders([runs / "a_seed?", runs / "a_seed0"]) == [runs / "a_seed0", runs / "a_seed1"]
    assert run_folders([runs / "b", tmp_path / "gone"]) == [runs / "b", tmp_path / "gone"]
    with pytest.raises(UserError, match=r"no run folder matches .*c\*"):
        run_folders([runs / "c*"])
