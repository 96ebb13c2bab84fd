"""`train_run`: what it writes, and which folders it leaves alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from data_loaders.errors import ConfigError, RunError
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.systems.model_folder import load_model
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
        missing = str(tmp_path / "missing.safetensors")
        with pytest.raises(ConfigError, match="there is no such file"):
            train_run(self.design(missing), tiny_data, tmp_path / "run")
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
