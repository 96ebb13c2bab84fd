"""The model folder: whole or not at all, and what is said when it is not."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from fnmatch import fnmatch

import huggingface_hub
import pytest

from data_loaders.errors import RunError
from multimodal.storage.checksums import with_checksums
from multimodal.systems import hub, model_folder
from multimodal.systems.model_folder import load_model, save_model
from multimodal.systems.registry import get_system


@pytest.fixture
def run(habit_run, tmp_path):
    return shutil.copytree(habit_run, tmp_path / "run")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_run_folder_and_its_model_folder_are_both_accepted(run, tiny_data):
    for path in (run, run / "model", str(run)):
        model = load_model(path)
        assert (model.system.name, model.folder, model.run.path) == ("user_habit", run / "model", run)
        assert list(model.memory.post_ids) == [post.post_id for post in tiny_data.split("train")]
        assert list(model.system.id_map.names) == list(tiny_data.vocabulary.hashtags)
        assert model.system.id_map.frequencies.tolist() == list(tiny_data.vocabulary.frequencies)
    assert model.info["data"]["posts"] == {"train": 96, "validation": 12, "test": 12}


def test_the_folder_alone_is_enough(run, tmp_path):
    moved = (run / "model").rename(tmp_path / "elsewhere")
    model = load_model(moved)
    assert (model.system.name, model.run.path) == ("user_habit", moved)


def test_a_memory_keeps_hashtags_beyond_the_vocabulary(run, tmp_path):
    model = load_model(run)
    further = set(model.memory.id_map.names) - set(model.system.id_map.names)
    assert any(name.startswith("rare") for name in further)
    save_model(tmp_path / "again", model.system, model.memory)
    assert list(load_model(tmp_path / "again").memory.id_map.names) == list(model.memory.id_map.names)


class TestDiskFull:
    @pytest.mark.parametrize("writer", ["write_memory", "write_json"])
    def test_the_old_model_stays_as_it_was(self, run, monkeypatch, writer):
        model = load_model(run)
        before = contents(run)
        original = getattr(model_folder, writer)

        def fail(*arguments):
            original(*arguments)
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(model_folder, writer, fail)
        with pytest.raises(RunError, match=r"No space left on device\. The model that was there is kept"):
            save_model(run / "model", model.system, model.memory)
        assert contents(run) == before
        assert sorted(path.name for path in run.iterdir() if path.name.startswith(".")) == []

    def test_a_failing_system_leaves_no_half_model(self, run, tmp_path, monkeypatch):
        model = load_model(run)

        def save(folder):
            raise RunError("user_habit.json could not be written (No space left on device).")

        monkeypatch.setattr(model.system, "save", save)
        with pytest.raises(RunError, match=r"the model could not be written to .*No space left"):
            save_model(tmp_path / "new", model.system, model.memory)
        assert not (tmp_path / "new").exists()


class TestRefused:
    def check(self, path, *messages):
        with pytest.raises(RunError) as error:
            load_model(path)
        for message in messages:
            assert message in str(error.value)

    def test_a_run_folder_that_is_missing(self, tmp_path):
        path = tmp_path / "nothing"
        self.check(path, f"run folder '{path}' does not exist", "multimodal-hashtags train", f"--output {path}")

    def test_a_file(self, run):
        self.check(run / "config.yaml", "is a file, not a run folder")

    def test_a_folder_that_is_no_run(self, tmp_path):
        self.check(tmp_path, "has no model", "it is not a run folder. Train: multimodal-hashtags train")

    def test_a_run_that_was_interrupted(self, run):
        shutil.rmtree(run / "model")
        data = json.loads((run / "environment.json").read_text())["data"]["folder"]
        command = f"multimodal-hashtags train --resume --data {data} --output {run}"
        self.check(run, f"its training has not finished. Continue: {command}")

    @pytest.mark.parametrize("content", [None, "{half", "[]", '{"data": null}'])
    def test_a_run_that_was_interrupted_and_does_not_say_on_what_data(self, run, content):
        shutil.rmtree(run / "model")
        (run / "environment.json").unlink()
        if content is not None:
            (run / "environment.json").write_text(content)
        self.check(run, f"Continue: multimodal-hashtags train --resume --data data/prepared --output {run}")

    @pytest.mark.parametrize("name", ["vocabulary.json", "memory.safetensors", "memory.json"])
    def test_a_part_is_missing(self, run, name):
        (run / "model" / name).unlink()
        self.check(run, f"is not a complete model: {name} missing. Train again", f"--output {run}")

    def test_the_systems_own_file_is_missing(self, run):
        (run / "model" / "user_habit.json").unlink()
        self.check(run, "user_habit.json (part of the model) is missing; the folder is partial, copy it again")

    def test_a_damaged_part(self, run):
        path = run / "model" / "memory.safetensors"
        path.write_bytes(path.read_bytes()[:40])
        self.check(run, "memory.safetensors is damaged", "Train again")

    def test_another_format_version(self, run):
        path = run / "model" / "model.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 7}))
        self.check(run, "format version 7; this program reads version 1")

    def test_a_system_nobody_knows(self, run):
        path = run / "model" / "model.json"
        values = json.loads(path.read_text())
        path.write_text(json.dumps({**values, "config": {**values["config"], "system": "user_habits"}}))
        with pytest.raises(ValueError, match=r"unknown system 'user_habits'\. Did you mean 'user_habit'\?"):
            load_model(run)


class TestAStrangersModel:
    """Files that were changed after the model was saved, and files that were made up and sealed."""

    def change(self, run, name, values, seal=True):
        folder = run / "model"
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**content, **values}))
        if seal:
            self.seal(folder)

    def seal(self, folder):
        info = json.loads((folder / "model.json").read_text())
        del info["checksums"]
        (folder / "model.json").write_text(json.dumps(with_checksums(folder, "model.json", info)))

    def message(self, run):
        with pytest.raises(RunError) as error:
            load_model(run)
        return str(error.value)

    @pytest.mark.parametrize(
        ("name", "values"),
        [("user_habit.json", {"decay": 0.125}), ("vocabulary.json", {"minimum_frequency": 9}),
         ("memory.json", {"x": 1}), ("model.json", {"created": "today"})],
    )  # fmt: skip
    def test_any_change_is_damage(self, run, name, values):
        self.change(run, name, values, seal=False)
        message = self.message(run)
        assert message.startswith(f"{run / 'model' / name} is damaged: its checksum is not that of the file that was ")
        assert message.endswith("Copy the model again. Train again if there is no good copy.")

    def test_a_model_without_checksums_is_read_as_before(self, run):
        path = run / "model" / "model.json"
        info = json.loads(path.read_text())
        assert set(info.pop("checksums")) == {path.name for path in (run / "model").iterdir()}
        path.write_text(json.dumps(info))
        assert load_model(run).system.decay == load_model(run).system.decay
        self.change(run, "user_habit.json", {"decay": None}, seal=False)
        assert "cannot be told how that came about. Train again" in self.message(run)

    @pytest.mark.parametrize(
        ("name", "values", "problem"),
        [
            ("user_habit.json", {"decay": "fast"}, "decay: Input should be a valid number, got 'fast'"),
            ("user_habit.json", {"train_posts": -3}, "train_posts: Input should be greater than or equal to 0, got -3"),
            ("vocabulary.json", {"frequencies": [1]}, "is damaged: it has 1 frequencies for "),
            ("vocabulary.json", {"hashtags": ["sun", "sun"]}, "hashtags: a value is given twice"),
            ("memory.json", {"slots": 10**12}, "does not fit: width 0 and slots 1000000000000, the system needs 0 and"),
        ],
    )  # fmt: skip
    def test_files_that_do_not_fit_although_they_are_sealed(self, run, name, values, problem):
        self.change(run, name, values)
        message, folder = self.message(run), run / "model"
        assert message.startswith(str(folder / name))
        assert problem in message
        assert f"Every file of {folder} is as it was saved (the checksums in model.json match)" in message
        assert message.endswith("perhaps on purpose. Do not use it, or train again.")

    def test_two_systems_in_one_description(self, run):
        self.change(run, "model.json", {"system": "popularity"})
        assert "model.json is damaged: it names the systems 'popularity' and 'user_habit'." in self.message(run)

    @pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
    def test_nothing_but_files_is_opened(self, run, kind):
        path = run / "model" / "user_habit.json"
        path.unlink()
        make = {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda path: path.symlink_to("/dev/zero")}
        make[kind](path)
        assert kind in self.message(run)

    @pytest.mark.parametrize("answer", [[], [("sun", math.nan)], [("sun", -math.inf)]])
    def test_numbers_that_nothing_can_be_computed_with(self, run, monkeypatch, answer):
        monkeypatch.setattr(get_system("user_habit"), "rank", lambda *_: [answer])
        message = self.message(run)
        assert message.startswith(f"the model in {run / 'model'} cannot be used: its answers are not finite numbers")

    def test_whatever_a_library_raises_names_the_model(self, run, monkeypatch):
        def fail(*arguments):
            raise IndexError("list index out of range " * 100)

        monkeypatch.setattr(get_system("user_habit"), "load", fail)
        message = self.message(run)
        assert message.startswith(f"the model in {run / 'model'} cannot be loaded: IndexError: list index out of range")
        assert len(message) < 1_200


class TestHub:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [("ann/hashtags", True), ("runs/sample", False), ("a/b/c", False), ("/tmp/x", False), ("name", False)],
    )
    def test_what_looks_like_a_hub_id(self, name, expected, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert hub.looks_like_hub_id(name) == expected

    def test_all_that_a_model_needs_is_downloaded_and_nothing_else(self, monkeypatch, tmp_path):
        asked = []
        monkeypatch.setattr(
            huggingface_hub,
            "snapshot_download",
            lambda name, *, allow_patterns, **options: asked.extend(allow_patterns) or tmp_path,
        )
        assert hub.download_model("somebody/model") == tmp_path
        held = ["model.json", "caption_encoder/model.safetensors", "caption_encoder/chat_template.jinja", "vocab.txt"]
        others = ["pytorch_model.bin", "code.py", "model.pkl"]
        assert [name for name in [*held, *others] if any(fnmatch(name, pattern) for pattern in asked)] == held

    def test_a_hub_model_is_downloaded_only_when_no_folder_has_that_name(self, run, tmp_path, monkeypatch):
        asked = []
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(
            huggingface_hub, "snapshot_download", lambda name, **options: asked.append(name) or str(run / "model")
        )
        assert load_model("ann/hashtags").system.name == "user_habit"
        assert asked == ["ann/hashtags"]
        shutil.copytree(run, tmp_path / "bob" / "local")
        assert load_model("bob/local").folder.parts[-1] == "model"
        assert asked == ["ann/hashtags"]

    def test_a_hub_that_does_not_answer(self, tmp_path, monkeypatch):
        def fail(name, **options):
            raise OSError("no connection\nand much more")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
        with pytest.raises(RunError) as error:
            load_model("ann/hashtags")
        assert str(error.value) == (
            "there is no folder 'ann/hashtags', and the Hugging Face Hub gave no model of that name: no connection. "
            f"'ann/hashtags' is not a folder in {str(tmp_path)!r}: if one was meant, correct the path. If a model on "
            "the Hugging Face Hub was meant, check its name and the network. To fetch it where there is a network: "
            "hf download ann/hashtags --local-dir models/hashtags"
        )
