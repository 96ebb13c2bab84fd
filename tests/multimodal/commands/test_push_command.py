"""The command `push`, and models on a hub, against a stub of it on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
from hub_stub import TOKEN, hub_stub

from multimodal import Recommender

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def hub():
    with hub_stub() as stub:
        yield stub


@pytest.fixture
def process(hub, tmp_path):
    """Run the command in a process of its own that knows this hub alone, with a cache of its own."""

    def call(*arguments, **environment):
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hub"), "HF_TOKEN": TOKEN, "COLUMNS": "200"}
        words = [sys.executable, "-m", "multimodal.commands", *map(str, arguments)]
        known = {**os.environ, **settings, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
        return subprocess.run(words, cwd=tmp_path, env=known, capture_output=True, text=True, check=False)

    return call


def test_pushed_and_recommended_from(process, hub, trained, tmp_path):
    done = process(
        "push", "--run", trained, "--to", "ann/habit", "--license", "cc-by-4.0", "--contact", "ann@example.org"
    )
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/ann/habit: user_habit; no users' posts were uploaded" in done.stdout
    assert "next: multimodal-hashtags recommend --run ann/habit" in done.stdout
    assert hub.private["ann/habit"] is True
    files = hub.repositories["ann/habit"]["main"]
    names = sorted(set(files) - {".gitattributes"})
    assert {Path(name).suffix for name in names} == {".json", ".safetensors", ".md"}
    assert [name for name, content in files.items() if re.search(rb"user\d|\bp\d+\b", content)] == []
    card = files["README.md"].decode()
    assert card.startswith("---\nlibrary_name: multimodal-hashtags\nlicense: cc-by-4.0\n")
    assert "ann@example.org" in card
    assert str(trained) not in b"".join(files.values()).decode("latin-1")

    asked = ("--user-id", "user3", "--caption", "low tide", "--k", "3", "--json")
    answered = process("recommend", "--run", "ann/habit", *asked)
    assert answered.returncode == 0, answered.stderr
    hub.requests.clear()
    offline = process("recommend", "--run", "ann/habit", *asked, HF_HUB_OFFLINE="1")
    assert (offline.stdout, hub.requests) == (answered.stdout, [])


def test_what_users_posted_goes_along_where_that_is_asked_for(process, hub, trained):
    done = process("push", "--run", trained, "--to", "ann/whole", "--with-users-posts", "--public", "--revision", "v2")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+ users' posts were uploaded with it", done.stdout)
    assert hub.private["ann/whole"] is False
    assert set(hub.repositories["ann/whole"]["main"]) == {".gitattributes"}
    assert "posts of 1" in hub.repositories["ann/whole"]["v2"]["README.md"].decode()
    asked = ("--user-id", "user3", "--k", "3")
    expected = [one.hashtag for one in Recommender.from_pretrained(trained).recommend(user_id="user3", k=3)]
    answered = process("recommend", "--run", "ann/whole@v2", *asked)
    assert re.findall(r"#(\w+)", answered.stdout) == expected, answered.stderr
    nothing = process("recommend", "--run", "ann/whole", *asked)
    assert nothing.returncode == 2
    assert "'ann/whole' on the Hugging Face Hub holds no model of this program" in nothing.stderr


def test_figures_are_those_of_the_very_model(process, hub, trained, prepared, tmp_path, command):
    run = Path(shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation")))
    command("evaluate", "--run", run, "--data", prepared, "--split", "test", "--k", "1-5")
    done = json.loads(process("push", "--run", run, "--to", "ann/figures", "--json").stdout)
    assert done == {"url": f"{hub.url}/ann/figures", "posts": 0, "evaluations": 2, "model": "ann/figures"}
    summary = json.loads((run / "evaluation" / "test" / "metrics.json").read_text())
    card = hub.repositories["ann/figures"]["main"]["README.md"].decode()
    row = next(row for row in summary["table"] if row["k"] == 5)
    figures = " | ".join(f"{row[name]:.3f}" for name in ("hit_rate", "precision", "recall", "f1"))
    assert f"| 5 | {figures} |" in card
    assert "Split: test; history: rolling" in card


class TestRefused:
    def test_parts_that_do_not_match(self, command, monkeypatch, trained, tmp_path):
        monkeypatch.setattr(huggingface_hub, "HfApi", None)  # nobody may ask for it
        run = Path(shutil.copytree(trained, tmp_path / "run"))
        vocabulary = run / "model" / "vocabulary.json"
        vocabulary.write_text(vocabulary.read_text().replace('"', "'", 2))
        done = command("push", "--run", run, "--to", "ann/damaged")
        assert done.returncode == 2
        assert f"{vocabulary} is damaged: its checksum is not that of the file that was saved" in done.stderr

    def test_a_wrong_token(self, process, trained):
        done = process("push", "--run", trained, "--to", "ann/new", HF_TOKEN="hf_wrong")
        assert done.returncode == 2
        assert "the model could not be uploaded to 'ann/new': " in done.stderr
        assert "`hf auth login` or HF_TOKEN gave a token that may write there" in done.stderr

    def test_names_and_cards(self, command, trained, tmp_path):
        done = command("push", "--run", trained, "--to", "hashtags")
        assert done.returncode == 2
        assert (
            "to: 'hashtags' is not a name on the Hugging Face Hub; give owner/name, such as ann/hashtags."
            in done.stderr
        )
        done = command("push", "--run", trained, "--to", "ann/hashtags", "--card", tmp_path / "no.md")
        assert (done.returncode, "no.md cannot be read" in done.stderr) == (2, True)
