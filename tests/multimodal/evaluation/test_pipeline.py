"""From a run folder and a prepared folder to figures: the protocol, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from data_loaders.errors import UserError
from data_loaders.locking import FolderInUseError
from multimodal.audit.run import audit_run
from multimodal.evaluation import pipeline
from multimodal.evaluation.files.folder import EVALUATION_FILES, RESULTS, evaluation_folder
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.pipeline import evaluate_run, rank_posts
from multimodal.evaluation.report.write import write_report
from multimodal.recommender import Recommender
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.model_folder import load_model


@pytest.fixture
def run(habit_run, tmp_path):
    """A trained run that nothing has evaluated."""
    return shutil.copytree(habit_run, tmp_path / "runs" / "habit")


def lists(rankings):
    return [[hashtag for hashtag, _ in ranking] for ranking in rankings]


def test_figures_and_lists_are_written(run, tiny_data):
    evaluated = evaluate_run(run, tiny_data, ks=[1, 5])
    assert evaluated.folder == run / "evaluation" / "test"
    names = {path.name for path in evaluated.folder.iterdir()}
    assert {"metrics.csv", "metrics.json", "predictions.parquet"} <= names
    table = pd.read_csv(evaluated.folder / "metrics.csv")
    assert table["k"].tolist() == [1, 5]
    saved = read_predictions(
        evaluated.folder / "predictions.parquet", [post.post_id for post in tiny_data.split("test")]
    )
    assert lists(saved) == lists(evaluated.rankings)
    assert saved.k == 10
    settings = json.loads((evaluated.folder / "metrics.json").read_text())["settings"]
    assert (settings["history"], settings["split"], settings["posts_remembered"]) == ("rolling", "test", 120)


def test_hits_are_counted_as_by_hand(run, tiny_data):
    evaluated = evaluate_run(run, tiny_data, ks=[3])
    posts = [post for post in tiny_data.split("test") if post.hashtags]
    hits = [len(set(row[:3]) & set(post.hashtags)) for row, post in zip(lists(evaluated.rankings), posts, strict=True)]
    assert evaluated.metrics.at(3)["precision"] == pytest.approx(sum(hits) / 3 / len(posts))


def test_frozen_knows_the_train_split_only_and_is_kept_beside(run, tiny_data):
    evaluated = evaluate_run(run, tiny_data, history="frozen", ks=[5])
    assert evaluated.folder == run / "evaluation" / "test-frozen"
    assert evaluated.settings["posts_remembered"] == 96
    model = load_model(run)
    assert lists(evaluated.rankings) == lists(rank_posts(model.system, tiny_data.split("test"), model.memory, 10))


def test_batches_and_other_ks_change_no_figure(run, tiny_data):
    one = evaluate_run(run, tiny_data, ks=[5], batch_size=1)
    other = evaluate_run(run, tiny_data, ks=range(1, 13), batch_size=7)
    assert one.metrics.at(5) == other.metrics.at(5)
    assert [row[:10] for row in lists(other.rankings)] == lists(one.rankings)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_other_splits(run, tiny_data, split):
    evaluated = evaluate_run(run / "model", tiny_data, split=split, ks=[5])
    assert evaluated.folder == run / "evaluation" / split
    assert len(evaluated.rankings) == len(tiny_data.split(split))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "tets"}, "split: unknown split 'tets'. Did you mean 'test'? Accepted: train, validation, test."),
        (
            {"history": "roling"},
            "history: unknown protocol 'roling'. Did you mean 'rolling'? Accepted: rolling, frozen.",
        ),
        ({"batch_size": 0}, "batch size: 0 posts cannot be ranked together"),
    ],
)
def test_wrong_choices(run, tiny_data, options, message):
    with pytest.raises(UserError) as error:
        evaluate_run(run, tiny_data, **options)
    assert message in str(error.value)


def test_another_prepared_folder_is_refused(run, other_tiny_data, tiny_data):
    with pytest.raises(UserError) as error:
        evaluate_run(run, other_tiny_data)
    text = str(error.value)
    assert f"{other_tiny_data.folder} is not the prepared folder" in text
    assert f"It was trained on {tiny_data.folder}." in text


def test_other_posts_with_the_same_vocabulary_are_said(run, tiny_data, caplog):
    other = replace(tiny_data, fingerprint="another")
    settings = evaluate_run(run, other, ks=[5]).settings
    said = f"{other.folder} holds other posts than the model was trained on ({tiny_data.folder}, as it was then)"
    assert settings["warning"].startswith(said)
    assert f"warning: {said}" in caplog.text
    saved = json.loads((run / "evaluation" / "test" / "metrics.json").read_text())["settings"]
    assert saved["warning"] == settings["warning"]
    assert "warning" not in evaluate_run(run, tiny_data, ks=[5]).settings


class TestFolder:
    """An evaluation replaces the one before in one step; no file of another stays beside it."""

    @pytest.fixture
    def folder(self, run, tiny_data):
        evaluate_run(run, tiny_data, ks=[1, 5])
        return run / "evaluation" / "test"

    def test_an_interrupted_one_leaves_the_one_before(self, run, tiny_data, folder, monkeypatch):
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for name in ("rank_posts", "write_all", "keep_audit"):
            with monkeypatch.context() as patched:
                patched.setattr(pipeline, name, self.interrupt)
                with pytest.raises(KeyboardInterrupt):
                    evaluate_run(run, tiny_data, ks=[1, 2, 3], rank_again=True)
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
            assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []

    @staticmethod
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    def test_a_report_of_the_one_before_goes_and_other_files_stay(self, run, tiny_data, folder):
        for name in ("report.html", "calibration.csv", "audit.md", "notes.txt"):
            (folder / name).write_text(name)
        (folder / "mine").mkdir()
        evaluate_run(run, tiny_data, ks=[1, 2])
        names = {path.name for path in folder.iterdir()}
        # These scores are not probabilities.
        assert names == {*RESULTS, "audit.md", "notes.txt", "mine"} - {"chances.csv"}
        evaluate_run(run, tiny_data, ks=[1, 2], slices=False)
        assert not (folder / "slices.csv").exists()
        shutil.rmtree(folder / "mine")
        (folder / "notes.txt").unlink()

    def test_an_audit_goes_when_the_predictions_are_others(self, run, tiny_data, folder):
        (folder / "audit.json").write_text("{}")
        evaluate_run(run, tiny_data, ks=[12])
        assert not (folder / "audit.json").exists()

    def test_what_all_commands_write_there_is_known(self, run, tiny_data, folder):
        write_report(run, tiny_data, folder)
        audit_run(run, tiny_data, posts=20)
        assert {path.name for path in folder.iterdir()} == set(EVALUATION_FILES) - {"chances.csv"}

    def test_not_while_another_process_trains_or_evaluates(self, run, tiny_data, folder):
        with (
            RunFolder(run).in_use("training in it"),
            pytest.raises(FolderInUseError, match="has been training in it since"),
        ):
            evaluate_run(run, tiny_data)
        with evaluation_folder(RunFolder(run), folder, "evaluating it", EVALUATION_FILES):
            with pytest.raises(FolderInUseError, match=r"test is in use: .* has been evaluating it since"):
                evaluate_run(run, tiny_data)
            evaluate_run(run, tiny_data, split="validation", ks=[5])


def test_an_empty_split_is_refused(run, tiny_data, monkeypatch):
    monkeypatch.setattr(type(tiny_data), "split", lambda self, name: [])
    with pytest.raises(UserError, match="the test split has no posts"):
        evaluate_run(run, tiny_data)


def test_frozen_refuses_a_model_that_observed_later_posts(run, tiny_data, tmp_path):
    recommender = Recommender.from_pretrained(run)
    recommender.observe(tiny_data.split("test")[0])
    recommender.save_pretrained(tmp_path / "later")
    with pytest.raises(UserError, match="remembers 1 posts that are not in the train split, for instance 't108'"):
        evaluate_run(tmp_path / "later", tiny_data, history="frozen")
    rolling = evaluate_run(tmp_path / "later", tiny_data)
    assert lists(rolling.rankings) == lists(evaluate_run(run, tiny_data).rankings)


def test_several_processes_share_the_posts(run, tiny_data, monkeypatch):
    expected = lists(evaluate_run(run, tiny_data).rankings)

    def in_two_shares(items, work):
        results = [None] * len(items)
        results[0::2], results[1::2] = work(items[0::2]), work(items[1::2])
        return results

    monkeypatch.setattr(pipeline, "process_count", lambda: 2)
    monkeypatch.setattr(pipeline, "map_processes", in_two_shares)
    assert lists(evaluate_run(run, tiny_data, rank_again=True).rankings) == expected
