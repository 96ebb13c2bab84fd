"""The command `doctor`: what it finds, what it says to do, its exit status."""

from __future__ import annotations

import json
import re
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from data_loaders.command_line import PROGRAM
from multimodal import Recommender
from multimodal.commands.checkup import installed, machine
from multimodal.commands.checkup.fact import Fact, folder_bytes, size_shown
from multimodal.commands.doctor import sections

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def found(command):
    """Call `doctor`: its exit status, and its facts by section and name."""

    def call(*arguments):
        done = command("doctor", *arguments, "--json")
        document = json.loads(done.stdout)
        facts = {name: {fact["name"]: fact for fact in section} for name, section in document["sections"].items()}
        return done.returncode, facts, document["to_mend"]

    return call


def test_a_run_that_is_whole(found, trained, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    status, facts, to_mend = found("--run", trained, "--device", "cpu", "--probe")
    assert (status, to_mend) == (0, [])
    assert list(facts) == list(sections())
    run = {name: fact["value"] for name, fact in facts["run"].items()}
    assert run["model"].startswith("user_habit, ")
    assert run["checksums"] == "match"
    assert re.fullmatch(r"\d+ posts of \d+ users", run["remembers"])
    assert run["config.yaml"] == "that of the model"
    assert facts["machine"]["device"]["value"] == "cpu"
    assert facts["probe"]["chosen"]["value"].startswith("fp32, by 0 posts, for --compute auto; kept in ")


def test_a_probe_needs_a_model(command):
    done = command("doctor", "--probe")
    assert (done.returncode, done.stderr) == (2, "error: --probe needs a model: give --run.\n")
    done = command("doctor", "--data", "data/prepared")
    assert (done.returncode, done.stderr) == (2, "error: --data: it is for --probe alone.\n")


def test_without_a_run_there_is_no_such_section(command):
    done = command("doctor")
    assert "\nmachine\n" in done.stdout
    assert "\nrun\n" not in done.stdout
    assert done.stdout.endswith("nothing has to be mended\n")


@pytest.fixture
def copied(trained, tmp_path):
    return Path(shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation")))


class TestToMend:
    def test_no_run(self, command, tmp_path):
        done = command("doctor", "--run", tmp_path / "no")
        assert done.returncode == 1
        assert "! model  " in done.stdout
        assert "does not exist. Train a model: multimodal-hashtags train" in done.stdout
        assert done.stdout.endswith("to mend: model\n")

    def test_a_damaged_file(self, found, copied):
        path = copied / "model" / "vocabulary.json"
        path.write_text(path.read_text().replace('"', "'", 2))
        status, facts, to_mend = found("--run", copied)
        assert (status, to_mend) == (1, ["model"])
        assert f"{path} is damaged" in facts["run"]["model"]["remedy"]

    def test_parts_that_do_not_match(self, found, copied):
        config = copied / "config.yaml"
        config.write_text(config.read_text().replace("seed: 0", "seed: 7"))
        (copied / "evaluation" / "test").mkdir(parents=True)
        (copied / "evaluation" / "test" / "metrics.json").write_text('{"predictions": {"sha256": "0"}}')
        (copied / "evaluation" / "test" / "predictions.parquet").write_text("changed")
        status, facts, to_mend = found("--run", copied)
        assert (status, to_mend) == (1, ["config.yaml", "evaluation test"])
        assert "is not the configuration of the model" in facts["run"]["config.yaml"]["remedy"]
        assert "was changed after its figures were computed" in facts["run"]["evaluation test"]["remedy"]

    def test_memories(self, found, trained, tmp_path, prepared, command):
        own, missing = tmp_path / "own.sqlite", tmp_path / "missing.sqlite"
        Recommender.from_pretrained(trained, device="cpu", memory=own).close()
        status, facts, _ = found("--run", trained, "--memory", own)
        assert status == 0
        assert "0 events, 0 users to erase" in facts["run"]["memory"]["value"]
        other = tmp_path / "other"
        command("train", "--config", "popularity", "--data", prepared, "--output", other)
        status, facts, to_mend = found("--run", other, "--memory", own)
        assert (status, to_mend) == (1, ["memory"])
        assert f"memory rebuild --run {other} --memory {own} --to" in facts["run"]["memory"]["remedy"]
        _, facts, to_mend = found("--run", trained, "--memory", missing)
        assert to_mend == ["memory"]
        assert "there is no log at" in facts["run"]["memory"]["remedy"]

    def test_a_device_that_is_not_there(self, found):
        status, facts, to_mend = found("--device", "gpu")
        assert (status, to_mend) == (1, ["device"])
        assert facts["machine"]["device"]["remedy"] == (
            "device: 'gpu' is not known; accepted: cpu, cuda, or one of several as in cuda:1."
        )


class TestPackages:
    def test_missing_and_old_ones_come_with_the_command_that_installs_them(self, found, monkeypatch):
        version = metadata.version
        changed = {"numpy": "1.0", "lightgbm": None, "fastapi": None}

        def other(name):
            if changed.get(name, "") is None:
                raise metadata.PackageNotFoundError(name)
            return changed.get(name) or version(name)

        monkeypatch.setattr(metadata, "version", other)
        status, facts, to_mend = found()
        packages = facts["packages"]
        assert (status, to_mend) == (1, ["numpy"])
        assert packages["numpy"]["value"] == "1.0 does not fit; >=2.0 is needed"
        assert packages["numpy"]["remedy"] == "pip install 'numpy>=2.0'"
        assert packages["lightgbm"]["value"] == "missing"
        assert packages["lightgbm"]["remedy"].startswith("pip install 'lightgbm>=4.5' (preparing, training")
        assert packages["extra serve"]["value"] == "fastapi missing"
        assert packages["extra serve"]["remedy"] == "pip install 'multimodal-hashtags[serve]'"

    def test_a_checkout_that_was_not_installed(self, found, monkeypatch):
        def missing(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "requires", missing)
        status, facts, _ = found()
        assert status == 0
        assert facts["packages"][PROGRAM]["remedy"] == "pip install --editable ."

    def test_those_that_are_needed_are_those_of_the_light_installation(self):
        lines = (ROOT / "requirements-recommend.txt").read_text().splitlines()
        assert [re.split("[><=]", line)[0] for line in lines if not line.startswith("#")] == list(installed.NEEDED)

    def test_another_python(self, found, monkeypatch):
        monkeypatch.setattr(installed.sys, "version_info", (3, 9, 0, "final", 0))
        _, facts, to_mend = found()
        assert to_mend == ["python"]
        assert facts["versions"]["python"]["remedy"] == "install Python 3.10 to 3.13"


class TestMachine:
    def test_the_limit_of_the_container(self, tmp_path):
        assert machine.memory_limit(tmp_path) is None
        (tmp_path / "memory.max").write_text("max\n")
        assert machine.memory_limit(tmp_path) is None
        (tmp_path / "memory.max").write_text("1000000\n")
        assert machine.memory_limit(tmp_path) == 1_000_000

    def test_too_many_threads(self, found, monkeypatch):
        monkeypatch.setattr("torch.get_num_threads", lambda: 64)
        monkeypatch.setattr("multimodal.distributed.processors.processors", lambda: 2)
        _, facts, to_mend = found()
        assert facts["machine"]["threads of pytorch"]["remedy"].endswith("export OMP_NUM_THREADS=2")
        assert to_mend == []

    def test_secrets_are_not_shown(self, command, monkeypatch):
        monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
        monkeypatch.setenv("MULTIMODAL_MODEL", "runs/mine")
        printed = command("doctor").stdout
        assert "hf_very_secret" not in printed
        assert "runs/mine" in printed

    def test_caches(self, found, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".cache" / "features").mkdir(parents=True)
        (tmp_path / ".cache" / "features" / "rows.bin").write_bytes(b"0" * 1_500)
        _, facts, _ = found()
        features = facts["caches"]["features of frozen encoders"]["value"]
        assert features == f"1.5 kB in {tmp_path / '.cache' / 'features'}"
        assert facts["caches"]["answers of language models"]["value"] == "none (.cache/language_model)"


def test_sizes(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("nowhere")
    assert folder_bytes(tmp_path) == 5 + len("nowhere")
    assert size_shown(5_000_000_000_000) == "5000.0 GB"
    assert Fact(name="a", value="b").wrong is False
