"""The command `train`."""

from __future__ import annotations

import json
import shlex
import shutil

import yaml


def test_it_tells_what_was_trained_and_the_next_command(command, prepared, tmp_path):
    run = tmp_path / "run"
    done = command("train", "--config", "popularity", "--data", prepared, "--output", run, "--seed", 4)
    assert done.returncode == 0, done.stderr
    for text in ("popularity", "train posts", "hashtags in the vocabulary", str(run / "model")):
        assert text in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == f"next: multimodal-hashtags evaluate --run {run} --data {prepared} --split test --k 1-10"
    assert yaml.safe_load((run / "config.yaml").read_text())["seed"] == 4


def test_overrides_may_stand_anywhere(command, prepared, tmp_path):
    run = tmp_path / "run"
    arguments = ("system=user_habit", "--data", prepared, "recency.history_posts=9", "--output", run)
    assert command("train", *arguments).returncode == 0
    assert yaml.safe_load((run / "config.yaml").read_text())["recency"]["history_posts"] == 9


def test_a_finished_run_is_kept_unless_told_otherwise(command, trained, prepared, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    arguments = ("--config", "user_habit", "--data", prepared, "--output", run)
    refused = command("train", *arguments)
    assert refused.returncode == 2
    assert f"error: {run} contains a finished run" in refused.stderr
    assert command("train", *arguments, "--overwrite").returncode == 0


def test_an_interrupted_run_is_continued(command, trained, prepared, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(run / "model")
    other = command("train", "--config", "user_habit", "--data", prepared, "--output", run, "seed=9")
    assert other.returncode == 2
    assert "seed: 0 there, 9 now" in other.stderr
    done = command("train", "--resume", "--data", prepared, "--output", run)
    assert done.returncode == 0, done.stderr
    assert "a checkpoint" in done.stdout
    assert (run / "model" / "model.json").is_file()


def test_the_command_that_an_interrupted_run_suggests_finishes_it(command, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "a run")
    shutil.rmtree(run / "model")
    refused = command("recommend", "--run", run, "--user-id", "user3")
    assert refused.returncode == 2
    words = shlex.split(refused.stderr.partition("Continue: ")[2])
    assert words[:2] == ["multimodal-hashtags", "train"]
    done = command("train", *words[2:])
    assert done.returncode == 0, done.stderr
    assert command("recommend", "--run", run, "--user-id", "user3").returncode == 0


def test_mistakes(command, prepared, tmp_path):
    mistakes = {
        ("--data", prepared): "no configuration given; pass --config, for example --config sample",
        ("--config", "popularty", "--data", prepared): "Did you mean 'popularity'?",
        (
            "--config",
            "popularity",
            "--data",
            prepared,
            "sede=1",
        ): "sede: unknown key. Did you mean 'seed'?",
        ("--config", "popularity", "--data", tmp_path / "no"): str(tmp_path / "no"),
        ("--resume", "--data", prepared): "is not a run that can be continued",
        ("--resume", "--data", prepared, "seed=1"): "--resume continues with the run's own configuration",
    }
    for arguments, message in mistakes.items():
        done = command("train", *arguments, "--output", tmp_path / "run")
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
        assert not (tmp_path / "run").exists()


def test_from_another_folder_a_mistake_is_told_without_a_traceback(process, tmp_path):
    done = process("train", "--config", "no.yaml", "--data", "no", "--output", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: configuration 'no.yaml' does not exist.")


def test_help_shows_examples(command):
    done = command("train", "--help")
    assert done.returncode == 0
    assert "multimodal-hashtags train --config sample --data data/prepared --output runs/sample" in done.stdout


def test_programs_get_the_run(command, prepared, tmp_path):
    run = tmp_path / "run"
    done = command("train", "--config", "popularity", "--data", prepared, "--output", run, "--json")
    document = json.loads(done.stdout)
    assert (document["run"], document["model"]) == (str(run), str(run / "model"))
    assert document["facts"]["train posts"] == 96


def test_ctrl_c_names_the_command_that_goes_on(command, prepared, tmp_path, monkeypatch):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("multimodal.training.run.train_run", interrupted)
    done = command("train", "--config", "popularity", "--data", prepared, "--output", tmp_path / "run")
    assert done.returncode == 130
    words = f"train --resume --data {prepared} --output {tmp_path / 'run'}"
    assert done.stderr.splitlines()[-2:] == [f"to go on: multimodal-hashtags {words}", "stopped"]
