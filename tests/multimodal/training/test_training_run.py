"""`train_run`: what it writes, and which folders it leaves alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from data_loaders.errors import ConfigError, RunError
from data_loaders.locking import FolderInUseError
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.opening import is_finished
from multimodal.training.run import train_run

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"


def config(**values):
    return validate_config({"system": "user_habit", **values})


def test_the_run_folder_holds_what_is_needed_to_do_it_again(tiny_data, tmp_path):
    run = train_run(config(seed=3), tiny_data, tmp_path / "run").run
    assert load_config(run.config) == config(seed=3)
    environment = json.loads((run.path / "environment.json").read_text())
    assert environment["data"]["posts"] == {"train": 96, "validation": 12, "test": 12}
    assert list(load_model(run.path).memory.post_ids) == [post.post_id for post in tiny_data.split("train")]


def test_a_finished_run_is_kept_unless_told_otherwise(tiny_data, tmp_path):
    train_run(config(), tiny_data, tmp_path / "run")
    (tmp_path / "run" / "evaluation" / "test").mkdir(parents=True)
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="contains a finished run; give another --output, or start over with"):
        train_run(config(), tiny_data, tmp_path / "run")
    train_run(config(seed=5), tiny_data, tmp_path / "run", overwrite=True)
    assert load_model(tmp_path / "run").config.seed == 5
    assert not (tmp_path / "run" / "evaluation").exists()
    assert (tmp_path / "run" / "notes.txt").exists()


def test_an_interrupted_run_is_continued_with_the_same_configuration_only(tiny_data, tmp_path):
    run = train_run(config(), tiny_data, tmp_path / "run").run
    shutil.rmtree(run.model)
    with pytest.raises(ConfigError) as error:
        train_run(config(seed=5, recency={"history_posts": 7}), tiny_data, run.path)
    text = str(error.value)
    assert f"{run.path} contains an interrupted run of another configuration" in text
    assert "  - recency.history_posts: 2000 there, 7 now\n  - seed: 0 there, 5 now\n" in text
    assert "--resume" in text
    assert train_run(config(), tiny_data, run.path).facts["started from"] == "a checkpoint"


class TestRunThatFailedAtOnce:
    """Encoders that cannot be loaded: nothing was learned, so the corrected configuration needs no --overwrite."""

    @pytest.fixture
    def failed(self, tiny_data, tmp_path):
        damaged = tmp_path / "damaged.safetensors"
        damaged.write_bytes(b"no weights")
        with pytest.raises(ConfigError, match="cannot be read"):
            train_run(self.design(damaged), tiny_data, tmp_path / "run")
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["config.yaml", "environment.json"]
        return RunFolder(tmp_path / "run")

    def design(self, weights=None):
        overrides = [] if weights is None else ["encoder.image.name=vgg16", f"encoder.image.pretrained={weights}"]
        return load_config(DEBUG, ["training.epochs=1", *overrides])

    def test_is_replaced(self, failed, tiny_data):
        (failed.path / "notes.txt").write_text("mine")
        (failed.checkpoints / ".last-000000001.partial").mkdir(parents=True)
        failed.metrics.touch()
        done = train_run(self.design(), tiny_data, failed.path)
        assert done.facts["started from"] == "the beginning"
        assert load_config(failed.config) == self.design() == load_model(failed.path).config
        assert (failed.path / "notes.txt").read_text() == "mine"

    def test_is_replaced_by_another_system(self, failed, tiny_data):
        train_run(config(), tiny_data, failed.path)
        assert load_model(failed.path).system.name == "user_habit"

    @pytest.mark.parametrize("kept", ["checkpoint", "metrics"])
    def test_is_kept_where_something_was_learned(self, failed, tiny_data, kept):
        if kept == "checkpoint":
            (failed.checkpoints / "last-000000001").mkdir(parents=True)
        else:
            failed.log({"event": "step", "step": 1})
        with pytest.raises(ConfigError, match="contains an interrupted run of another configuration"):
            train_run(self.design(), tiny_data, failed.path)

    def test_a_configuration_that_no_run_wrote_is_kept(self, failed, tiny_data):
        failed.environment.unlink()
        before = failed.config.read_text()
        with pytest.raises(ConfigError, match="contains an interrupted run of another configuration"):
            train_run(self.design(), tiny_data, failed.path)
        assert failed.config.read_text() == before


def test_other_folders_are_left_alone(tiny_data, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(RunError, match=r"is not a run folder: it contains thesis.tex but no config.yaml"):
            train_run(config(), tiny_data, tmp_path, overwrite=overwrite)
    with pytest.raises(RunError, match=r"thesis.tex is a file; give a folder"):
        train_run(config(), tiny_data, tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


class TestData:
    """A run goes on with the data it was started on, or not at all."""

    @pytest.fixture
    def interrupted(self, tiny_data, tmp_path):
        run = train_run(config(), tiny_data, tmp_path / "run").run
        shutil.rmtree(run.model)
        return run

    def test_other_data_is_refused(self, interrupted, tiny_data, other_tiny_data):
        before = interrupted.environment.read_text()
        with pytest.raises(RunError) as error:
            train_run(config(), other_tiny_data, interrupted.path)
        text = str(error.value)
        assert f"{interrupted.path} contains an interrupted run on other data:\n" in text
        assert f"  - there: {tiny_data.folder} (96 train, 12 validation, 12 test posts, " in text
        assert f"  - now: {other_tiny_data.folder} (96 train, 12 validation, 12 test posts, " in text
        assert "Give --data the prepared folder that it was started on, as it was then, give another --output" in text
        assert interrupted.environment.read_text() == before
        train_run(config(), other_tiny_data, interrupted.path, overwrite=True)

    def test_a_moved_folder_is_the_same_data(self, interrupted, tiny_data, tmp_path):
        moved = replace(tiny_data, folder=tmp_path / "moved")
        assert train_run(config(), moved, interrupted.path).facts["started from"] == "a checkpoint"

    def test_a_run_that_does_not_say_goes_on_with_a_word(self, interrupted, other_tiny_data, caplog):
        interrupted.write_environment(data={"folder": "somewhere"})
        train_run(config(), other_tiny_data, interrupted.path)
        assert f"{interrupted.path} does not say what data it was started on; make sure that it was this" in caplog.text

    def test_a_finished_run_on_other_data_is_not_taken_for_this(self, tiny_data, other_tiny_data, tmp_path):
        run = train_run(config(), tiny_data, tmp_path / "run").run
        assert is_finished(run, config(), tiny_data)
        with pytest.raises(RunError, match=r"contains a finished run on other data:\n  - there: .*\n  - now: "):
            is_finished(run, config(), other_tiny_data)

    def test_a_finished_run_of_a_version_without_some_key_is_taken_with_a_word(self, tiny_data, tmp_path, caplog):
        run = train_run(config(), tiny_data, tmp_path / "run").run
        assert is_finished(run, config(), tiny_data)
        assert "earlier version" not in caplog.text
        values = yaml.safe_load(run.config.read_text())
        del values["recency"]["history_posts"]
        run.config.write_text(yaml.safe_dump(values))
        assert is_finished(run, config(), tiny_data)
        told = "is taken as it is, though an earlier version trained it, which had no recency.history_posts; delete it"
        assert told in caplog.text
        with pytest.raises(RunError, match=r"recency.history_posts: \d+ there, 7 now"):
            is_finished(run, config(recency={"history_posts": 7}), tiny_data)


def test_two_trainings_in_one_folder(tiny_data, tmp_path):
    run = RunFolder(tmp_path / "run")
    with (
        run.in_use("training in it"),
        pytest.raises(FolderInUseError, match=r"run is in use: process \d+ on .* has been training in it since"),
    ):
        train_run(config(), tiny_data, run.path)
    train_run(config(), tiny_data, run.path)
    assert sorted(path.name for path in run.path.iterdir()) == [
        "config.yaml",
        "environment.json",
        "metrics.jsonl",
        "model",
    ]


@pytest.mark.parametrize("left", [".config.yaml.0123abcd.part", ".config.yaml.ab_de7gh", ".lock"])
def test_killed_while_the_first_file_was_written(tiny_data, tmp_path, left):
    (tmp_path / left).write_text("half")
    train_run(config(), tiny_data, tmp_path)
    assert not (tmp_path / left).exists()


@pytest.mark.parametrize("overwrite", [True, False])
def test_killed_while_it_was_deleted(tiny_data, tmp_path, overwrite):
    run = train_run(config(), tiny_data, tmp_path / "run").run
    (run.path / "notes.txt").write_text("mine")
    (run.path / "evaluation" / "test").mkdir(parents=True)
    run.config.rename(run.path / ".config.yaml.0123abcd.part")
    shutil.rmtree(run.model)
    train_run(config(seed=5), tiny_data, run.path, overwrite=overwrite)
    assert load_model(run.path).config.seed == 5
    assert sorted(path.name for path in run.path.iterdir()) == [
        "config.yaml",
        "environment.json",
        "metrics.jsonl",
        "model",
        "notes.txt",
    ]


def test_what_was_logged_before_the_first_checkpoint_is_not_repeated(tiny_data, tmp_path):
    run = train_run(config(), tiny_data, tmp_path / "run").run
    lines = run.metrics.read_text()
    shutil.rmtree(run.model)
    train_run(config(), tiny_data, run.path)
    assert run.metrics.read_text() == lines


def test_every_file_of_the_model_can_be_read_by_others(tiny_data, tmp_path):
    run = train_run(load_config(DEBUG, ["training.epochs=1"]), tiny_data, tmp_path / "run").run
    modes = {path.name: path.stat().st_mode & 0o777 for path in run.path.rglob("*") if path.is_file()}
    assert set(modes.values()) == {(run.path.stat().st_mode & 0o666)}, modes
