import numpy as np
import pandas as pd
import pytest
from saved_run_maker import VOCABULARY, make_posts, rank

from multimodal.evaluation.files.figures import sweep_figure
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.list_length import ScoredHits, which_k, which_k_files, which_k_markdown
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

POSTS = make_posts(40)


def example(ks=(1, 2, 3, 4, 5)):
    rankings = rank(POSTS, 0.5)
    evaluation = evaluate_rankings(rankings, [post.hashtags for post in POSTS], ks, VOCABULARY)
    curves = bootstrap(evaluation.outcomes, METRICS.headline_sets, resamples=100)
    judged = ScoredHits.of(rankings.scores, evaluation.outcomes, ks[-1])
    return evaluation, curves, judged


def test_fixed_lengths_have_intervals_and_shares():
    evaluation, curves, judged = example()
    found = which_k(evaluation, curves, judged, None, absent="why")
    table = found.table
    assert table["k"].tolist() == [1, 2, 3, 4, 5]
    assert table["best_share"].sum() == pytest.approx(1)
    assert ((table["f1_low"] <= table["f1"]) & (table["f1"] <= table["f1_high"])).all()
    np.testing.assert_array_equal(table["f1"], evaluation.table["f1"])
    assert table["mean_length"].tolist() == [1, 2, 3, 4, 5]
    best = evaluation.best_k()
    share = table.set_index("k")["best_share"][best]
    start = f"best K by F1: {best} (F1 {evaluation.at(best)['f1']:.4f}); wins in {100 * share:.0f} % of resamples"
    assert found.sentence.startswith(start)
    assert found.notes == ("why",)


def test_a_threshold_chosen_on_validation_stands_beside():
    evaluation, curves, judged = example()
    found = which_k(evaluation, curves, judged, judged)
    row = found.table.iloc[-1]
    assert (row["rule"], row["tuned_on"]) == ("threshold", "validation")
    # All lists have the same scores by rank, so the threshold is as good as the best fixed length.
    assert row["f1"] == pytest.approx(evaluation.table["f1"].max())
    assert row["mean_length"] == evaluation.best_k()
    assert row["f1_low"] <= row["f1"] <= row["f1_high"]
    assert found.table["tuned_on"].tolist().count("validation") == 2
    assert found.notes[1] == f"the fixed K that the validation split chooses is {evaluation.best_k()}"


def test_one_k_needs_no_shares(tmp_path):
    evaluation, curves, judged = example((3,))
    found = which_k(evaluation, curves, judged, None)
    assert found.sentence == f"best K by F1: 3 (F1 {evaluation.at(3)['f1']:.4f})"
    assert [path.name for path in write_files(tmp_path, which_k_files(found, "posts"))] == ["which_k.csv", "which_k.md"]
    assert "| K = 3 |" in which_k_markdown(found, "posts")


def test_the_curve_has_a_band():
    evaluation, curves, _ = example()
    axes = sweep_figure(evaluation, ("hit_rate", "f1"), curves).axes[0]
    assert len(axes.collections) == 2
    assert "bands: 95 % of resamples of posts" in axes.get_title(loc="right")
    assert not sweep_figure(evaluation, ("hit_rate", "f1")).axes[0].collections


def test_evaluate_uses_the_validation_split_once_it_was_evaluated(tiny_data, tmp_path):
    run = tmp_path / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, run)
    before = evaluate_run(run, tiny_data, ks=[1, 2, 3])
    assert (
        f"First: multimodal-hashtags evaluate --run {run} --data {tiny_data.folder} --split validation"
        in (before.which_k.notes[0])
    )
    validation = evaluate_run(run, tiny_data, split="validation", ks=[1, 2, 3])
    assert "is chosen on these posts" in validation.which_k.notes[0]
    after = evaluate_run(run, tiny_data, ks=[1, 2, 3], unit="users")
    table = pd.read_csv(after.folder / "which_k.csv")
    assert table["rule"].tolist() == ["fixed"] * 3 + ["threshold"]
    assert 1 <= table["mean_length"].iloc[-1] <= 3
    names = {path.name for path in after.folder.iterdir()}
    assert {"which_k.md", "slices.csv", "slices.md", "slices.parquet", "slices.png"} <= names
    frozen = evaluate_run(run, tiny_data, ks=[1], history="frozen", slices=False)
    assert frozen.which_k.notes[0].endswith("--k 1-1 --history frozen, then this again")
    assert "slices.csv" not in {path.name for path in frozen.folder.iterdir()}
