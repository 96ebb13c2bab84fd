"""Saved predictions are evaluated again without ranking, stay deep, and are refused when they were changed."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from data_loaders.errors import DataError
from multimodal.evaluation import pipeline
from multimodal.evaluation.comparison.saved_runs import read_saved_runs
from multimodal.evaluation.pipeline import evaluate_run, evaluate_validation_first, is_evaluated
from multimodal.evaluation.report.write import write_report
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run


@pytest.fixture
def run(habit_run, tmp_path):
    return shutil.copytree(habit_run, tmp_path / "runs" / "habit")


@pytest.fixture
def no_ranking(monkeypatch):
    def forbidden(*arguments, **options):
        raise AssertionError("it ranks")

    monkeypatch.setattr(pipeline, "rank_posts", forbidden)


def change(folder):
    table = pd.read_parquet(folder / "predictions.parquet")
    table["score"] += 1.0
    table.to_parquet(folder / "predictions.parquet")


@pytest.mark.parametrize("history", ["rolling", "frozen"])
def test_other_ks_are_evaluated_without_ranking(run, tiny_data, history, request):
    deep = evaluate_run(run, tiny_data, ks=range(1, 13), history=history)
    predictions = (deep.folder / "predictions.parquet").read_bytes()
    ranked = evaluate_run(run, tiny_data, ks=[2, 3], history=history, rank_again=True)
    expected = {name: (deep.folder / name).read_bytes() for name in ("metrics.csv", "slices.csv", "which_k.csv")}
    request.getfixturevalue("no_ranking")
    again = evaluate_run(run, tiny_data, ks=[2, 3], history=history)
    assert {name: (deep.folder / name).read_bytes() for name in expected} == expected
    assert (deep.folder / "predictions.parquet").read_bytes() == predictions
    assert again.settings == ranked.settings


def test_lists_that_no_hashtag_is_left_for_are_used_again(run, tiny_data, request):
    """Files say how long lists can be, not how long they happen to be; all files are as if ranked again."""
    hashtags = len(tiny_data.vocabulary.hashtags)
    folder = evaluate_run(run, tiny_data, ks=[1, hashtags + 20]).folder
    expected = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    request.getfixturevalue("no_ranking")
    for _ in range(2):
        assert evaluate_run(run, tiny_data, ks=[1, hashtags + 20]).rankings.k == hashtags + 20
        assert {path.name: path.read_bytes() for path in folder.glob("*.parquet")} == expected


def test_deep_predictions_are_not_replaced_by_shallow_ones(run, tiny_data):
    evaluate_run(run, tiny_data, ks=[12])
    assert evaluate_run(run, tiny_data, ks=[1], rank_again=True).rankings.k == 12


def test_another_model_and_other_data_are_ranked_again(run, tiny_data, request):
    train_run(validate_config({"system": "popularity"}), tiny_data, run.parent / "popularity")
    evaluate_run(run, tiny_data, ks=[5])
    request.getfixturevalue("no_ranking")
    evaluate_run(run, tiny_data, ks=[5])
    with pytest.raises(AssertionError, match="it ranks"):
        evaluate_run(run, replace(tiny_data, fingerprint="another"), ks=[5])
    shutil.rmtree(run / "model")
    shutil.copytree(run.parent / "popularity" / "model", run / "model")
    with pytest.raises(AssertionError, match="it ranks"):
        evaluate_run(run, tiny_data, ks=[5])


def test_changed_predictions_are_refused(run, tiny_data):
    folder = evaluate_run(run, tiny_data, ks=[1, 5]).folder
    assert is_evaluated(RunFolder(run), tiny_data, "test", [5])
    change(folder)
    assert not is_evaluated(RunFolder(run), tiny_data, "test", [5])
    message = (
        "predictions.parquet was changed after its figures were computed. To evaluate what it holds now: multimodal-"
    )
    for use in (
        lambda: read_saved_runs([run]),
        lambda: write_report(run, tiny_data, folder),
        lambda: evaluate_run(run, tiny_data, ks=[1, 5]),
    ):
        with pytest.raises(DataError) as error:
            use()
        assert message in str(error.value)
        assert f"evaluate --run {run} --data {tiny_data.folder} --split test --rank-again" in str(error.value)
    evaluate_run(run, tiny_data, ks=[1, 5], rank_again=True)
    assert read_saved_runs([run])


def test_the_validation_split_is_evaluated_first_where_it_was_not(run, tiny_data, monkeypatch):
    options = {"split": "test", "ks": [1, 3], "history": "rolling"}
    evaluate_validation_first(run, tiny_data, **options)
    assert json.loads((run / "evaluation" / "validation" / "metrics.json").read_text())["settings"]["ks"] == [1, 2, 3]
    assert evaluate_run(run, tiny_data, **options).which_k.table["rule"].tolist() == ["fixed", "fixed", "threshold"]
    monkeypatch.setattr(pipeline, "evaluate_run", None)
    evaluate_validation_first(run, tiny_data, **options)
    evaluate_validation_first(run, tiny_data, **{**options, "split": "validation", "ks": [9]})


def test_an_evaluation_of_another_model_chooses_nothing(run, tiny_data):
    evaluate_run(run, tiny_data, split="validation", ks=[1, 2])
    path = run / "evaluation" / "validation" / "metrics.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({**summary, "made_from": {**summary["made_from"], "model": "another"}}))
    assert evaluate_run(run, tiny_data, ks=[1, 2]).which_k.notes[0].startswith("no per-post K: its threshold is")
