"""What is uploaded of a model, at the boundary to the hub's client."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import huggingface_hub
import pytest

from data_loaders.errors import RunError, UserError
from multimodal.recommender import Recommender
from multimodal.storage.run_folder import RunFolder, write_json
from multimodal.systems import hub
from multimodal.systems.model_card import CardFacts, evaluations_of, model_card
from multimodal.systems.model_folder import load_model
from multimodal.systems.publishing import check_files

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def uploaded(monkeypatch):
    """What the hub's client was asked to do, with the content of what it was given."""
    calls = []

    class Api:
        def __init__(self, **_):
            pass

        def create_repo(self, name, **options):
            calls.append(("create", name, options))
            return f"https://hub/{name}"

        def create_branch(self, name, **options):
            calls.append(("branch", name, options))

        def upload_folder(self, *, repo_id, folder_path, **options):
            files = {path.name: path.read_bytes() for path in Path(folder_path).rglob("*") if path.is_file()}
            calls.append(("upload", repo_id, {**options, "files": files}))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return calls


def test_a_recommender_uploads_nothing_of_users_unless_asked(habit_run, uploaded):
    recommender = Recommender.from_pretrained(habit_run)
    recommender.observe({"post_id": "mine", "user_id": "user99", "hashtags": ["sea"]})
    recommender.set_rules("user98", {"never": ["fog"]})
    assert recommender.push_to_hub("ann/habit") == "https://hub/ann/habit"
    assert recommender.push_to_hub("ann/habit", with_users_posts=True, private=False, revision="v1") != ""
    first, second = (options["files"] for kind, _, options in uploaded if kind == "upload")
    assert not re.search(rb"user\d", b"".join(first.values()))
    assert re.search(rb"user99", b"".join(second.values()))
    assert re.search(rb"user98", b"".join(second.values()))
    assert [options["private"] for kind, _, options in uploaded if kind == "create"] == [True, False]
    assert ("branch", "ann/habit", {"branch": "v1", "exist_ok": True}) in uploaded
    assert all(options["delete_patterns"] == "*" for kind, _, options in uploaded if kind == "upload")


def test_the_name_is_checked_first(habit_run, uploaded):
    for name in ("habit", "runs/a/b", "ann/habit@v1", "../x/y"):
        with pytest.raises(UserError, match="is not a name on the Hugging Face Hub; give owner/name"):
            Recommender.from_pretrained(habit_run).push_to_hub(name)
    assert uploaded == []


@pytest.mark.parametrize(
    "name, content",
    [("pytorch_model.bin", b"x"), ("code.py", b"x"), ("vocab.txt", b"x"), ("weights.safetensors", b"\x80\x04pickle")],
)
def test_other_files_are_refused(tmp_path, name, content):
    (tmp_path / "inside").mkdir()
    (tmp_path / "README.md").write_text("card")
    (tmp_path / "inside" / "a.json").write_text("{}")
    check_files(tmp_path)
    (tmp_path / "inside" / name).write_bytes(content)
    with pytest.raises(RunError, match=rf"inside/{re.escape(name)} is not uploaded: models on the Hub are safetensors"):
        check_files(tmp_path)


def test_the_card_has_the_sections_of_the_template(habit_run):
    model = load_model(habit_run)
    card = model_card(CardFacts(hub_id="ann/habit", data=model.info["data"]), model.system, model.memory)
    template = (ROOT / "docs" / "model-card-template.md").read_text()
    headings = re.findall(r"^## (.+)$", card, re.M)
    assert headings == re.findall(r"^## (.+)$", template, re.M)
    assert "96 train, 12 validation" in card
    assert "for each of 96 posts of 12 users" in card
    assert 'Recommender.from_pretrained("ann/habit")' in card
    empty = model_card(CardFacts(hub_id="ann/habit"), model.system, model.system.new_memory())
    assert "Nothing: no post of any user was uploaded." in empty
    assert "Trained on: not stated posts" in empty


def test_a_card_of_ones_own(habit_run, uploaded):
    Recommender.from_pretrained(habit_run).push_to_hub("ann/habit", card="# Mine\n")
    assert uploaded[-1][2]["files"]["README.md"] == b"# Mine\n"


def test_only_evaluations_of_the_very_model_count(habit_run, tmp_path):
    copy = RunFolder(shutil.copytree(habit_run, tmp_path / "run"))
    assert evaluations_of(copy) == ()
    own = hashlib.sha256((copy.model / "model.json").read_bytes()).hexdigest()
    for split, model in {"test": own, "validation": "another"}.items():
        write_json(copy.evaluation(split) / "metrics.json", {"made_from": {"model": model}, "split": split})
    assert [summary["split"] for summary in evaluations_of(copy)] == ["test"]
    assert evaluations_of(RunFolder(tmp_path)) == ()


class TestRevisions:
    def test_they_reach_the_client(self, habit_run, monkeypatch, tmp_path):
        asked = []

        def download(name, **options):
            asked.append((name, options["revision"], options["local_files_only"]))
            return str(habit_run / "model")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        Recommender.from_pretrained("ann/habit", revision="v1", local_files_only=True)
        load_model("ann/habit@v2")
        load_model("ann/habit")
        assert asked == [("ann/habit", "v1", True), ("ann/habit", "v2", False), ("ann/habit", None, False)]

    def test_a_repository_without_a_model(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: str(tmp_path / "empty"))
        with pytest.raises(RunError, match="'ann/x' on the Hugging Face Hub holds no model of this program: it has no"):
            load_model("ann/x")

    def test_two_are_refused(self):
        with pytest.raises(RunError, match="'ann/habit@v1' names the revision 'v1', and 'v2' is given too"):
            hub.download_model("ann/habit@v1", "v2")

    def test_folders_have_none(self, habit_run):
        with pytest.raises(RunError, match=r"revision: 'v1' is for models of the Hugging Face Hub; .* is not one"):
            load_model(habit_run, revision="v1")
