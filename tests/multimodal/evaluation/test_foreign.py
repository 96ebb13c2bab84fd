"""Predictions of another program get what a run gets, and stand beside runs."""

import json
import shutil

import pandas as pd
import pytest

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.comparison.comparison import compare_runs
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.files.folder import RESULTS
from multimodal.evaluation.foreign import ForeignPredictions, evaluate_predictions
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.evaluation.report.write import write_report
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, folder)
    for split in ("validation", "test"):
        evaluate_run(folder, tiny_data, split=split, ks=range(1, 6))
    return folder


def given(run, tmp_path, **options):
    path = tmp_path / "theirs.parquet"
    shutil.copy(run / "evaluation" / "test" / "predictions.parquet", path)
    return ForeignPredictions(**{"path": path, "name": "theirs", "output": tmp_path / "theirs", **options})


def test_the_same_files_with_the_same_figures(run, tiny_data, tmp_path):
    evaluated = evaluate_predictions(given(run, tmp_path), tiny_data, ks=range(1, 6))
    assert evaluated.folder == tmp_path / "theirs" / "evaluation" / "test"
    assert {path.name for path in evaluated.folder.iterdir()} == set(RESULTS) - {"chances.csv"}
    for name in ("metrics.csv", "slices.csv"):
        assert (evaluated.folder / name).read_bytes() == (run / "evaluation" / "test" / name).read_bytes()
    saved = json.loads((evaluated.folder / "metrics.json").read_text())
    assert (saved["settings"]["system"], saved["settings"]["history"]) == ("theirs", "not stated")
    assert "theirs.parquet holds no predictions for" in evaluated.which_k.notes[0]


def test_it_stands_beside_runs(run, tiny_data, tmp_path):
    evaluate_predictions(given(run, tmp_path), tiny_data, ks=range(1, 6))
    systems = group_by_seed(read_saved_runs([run, tmp_path / "theirs"]))
    comparison = compare_runs(systems, [5])
    assert comparison.table["difference"].dropna().tolist() == [0.0]
    assert comparison.notes == [
        "the history protocols differ (habit rolling, theirs not stated): the difference is not of the systems alone",
        *comparison.notes[1:],
    ]


def test_a_report_without_a_model(run, tiny_data, tmp_path):
    evaluated = evaluate_predictions(given(run, tmp_path), tiny_data, ks=range(1, 6))
    write_report(None, tiny_data, evaluated.folder)
    page = (evaluated.folder / "report.html").read_text(encoding="utf-8")
    assert "not stated: the predictions are those of another program" in page


def test_predictions_of_the_validation_split_choose_the_length(run, tiny_data, tmp_path):
    both = pd.concat(
        pd.read_parquet(run / "evaluation" / split / "predictions.parquet") for split in ("validation", "test")
    )
    both.to_csv(tmp_path / "both.csv", index=False)
    foreign = ForeignPredictions(path=tmp_path / "both.csv", name="both", output=tmp_path / "both")
    evaluated = evaluate_predictions(foreign, tiny_data, ks=range(1, 6))
    assert evaluated.settings["notes"] == ["12 posts of other splits are left out"]
    assert evaluated.which_k.table["rule"].tolist()[-1] == "threshold"
    own = pd.read_csv(run / "evaluation" / "test" / "which_k.csv")
    pd.testing.assert_frame_equal(pd.read_csv(evaluated.folder / "which_k.csv"), own)


def test_posts_without_predictions_and_hashtags_in_another_form(tiny_data, tmp_path):
    post = tiny_data.split("test")[0]
    (tmp_path / "one.csv").write_text(f"post_id,rank,hashtag\n{post.post_id},1,#{post.hashtags[0].upper()}\n")
    foreign = ForeignPredictions(path=tmp_path / "one.csv", name="one", output=tmp_path / "one", history="frozen")
    evaluated = evaluate_predictions(foreign, tiny_data, ks=[1])
    assert evaluated.folder.name == "test-frozen"
    assert evaluated.metrics.counts["posts_with_an_empty_list"] == evaluated.metrics.counts["posts"] - 1
    assert evaluated.metrics.at(1)["precision"] == pytest.approx(1 / evaluated.metrics.counts["posts"])
    shown = f"such as '#{post.hashtags[0].upper()}': {post.hashtags[0]!r}"
    assert evaluated.settings["notes"] == [f"1 hashtags were brought to their canonical form, {shown}"]


def test_refused(run, tiny_data, tmp_path):
    with pytest.raises(UserError, match="is a run of this program, whose evaluations are not replaced by those of"):
        evaluate_predictions(given(run, tmp_path, output=run), tiny_data)
    (tmp_path / "p.csv").write_text("post_id,rank,hashtag\nnobody,1,cat\n")
    foreign = ForeignPredictions(path=tmp_path / "p.csv", name="p", output=tmp_path / "p")
    with pytest.raises(DataError, match=r"1 of 1 posts are not in the prepared folder \(nobody\)"):
        evaluate_predictions(foreign, tiny_data)
    (tmp_path / "p.csv").write_text(f"post_id,rank,hashtag\n{tiny_data.split('train')[0].post_id},1,cat\n")
    with pytest.raises(DataError, match="holds no predictions for the test split of"):
        evaluate_predictions(foreign, tiny_data)
    with pytest.raises(UserError, match="unknown split 'tset'"):
        evaluate_predictions(foreign, tiny_data, split="tset")
    assert not (tmp_path / "p" / "evaluation").exists() or not list((tmp_path / "p" / "evaluation").glob("[!.]*"))
