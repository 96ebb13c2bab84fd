"""The evaluation folder, its figures and the table."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from evaluation_reference import make_rankings, make_vocabulary
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from data_loaders.errors import DataError
from multimodal.evaluation.files.figures import k_table, sweep_figure
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.results import evaluation_files, read_per_post, write_per_post
from multimodal.evaluation.files.text_table import number
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import evaluate_rankings

TAGS = [f"tag{number}" for number in range(7)]
VOCABULARY = make_vocabulary({"tag0": 9, "tag1": 4, "tag2": 1})
RANKED = [["tag0", "tag1"], ["tag1", "tag2", "tag0"], ["tag5"], []]
TRUTH = [["tag0"], ["tag0", "tag6"], [], ["tag4"]]


def make_evaluation(ks=(1, 2, 3), ranked=RANKED, truth=TRUTH):
    rankings = make_rankings(ranked, names=TAGS)
    users = [f"user{row % 2}" if row else None for row in range(len(ranked))]
    similarity = np.full((3, 3), 0.5)
    return rankings, evaluate_rankings(rankings, truth, ks, VOCABULARY, user_ids=users, similarity=similarity)


def test_the_folder_holds_everything(tmp_path):
    rankings, evaluation = make_evaluation()
    write_files(
        tmp_path / "evaluation" / "test",
        evaluation_files(evaluation, rankings, {"history": "rolling", "split": "test"}),
    )
    folder = tmp_path / "evaluation" / "test"
    assert sorted(path.name for path in folder.iterdir()) == [
        "hit_rate_f1.png",
        "metrics.csv",
        "metrics.json",
        "per_post.parquet",
        "precision_recall.png",
        "predictions.parquet",
    ]
    table = pd.read_csv(folder / "metrics.csv", float_precision="round_trip")
    assert tuple(table.columns) == METRICS.columns
    pd.testing.assert_frame_equal(table, evaluation.table, check_exact=True)
    record = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert record["definitions_version"] == 1
    assert record["settings"] == {"history": "rolling", "split": "test", "ap_norm": "capped", "ks": [1, 2, 3]}
    assert record["counts"]["posts"] == 3
    assert record["counts"]["posts_without_truth"] == 1
    assert record["best_k"] == {"by": "f1", "k": evaluation.best_k(), "f1": evaluation.at(evaluation.best_k())["f1"]}
    assert record["table"][0]["k"] == 1
    assert record["table"][0]["redundancy"] is None  # one hashtag has no pair
    assert len(read_predictions(folder / "predictions.parquet", rankings.post_ids)) == 4


def test_evaluating_the_saved_predictions_gives_the_same_table(tmp_path):
    rankings, evaluation = make_evaluation()
    write_files(tmp_path, evaluation_files(evaluation, rankings, {}))
    back = read_predictions(tmp_path / "predictions.parquet", rankings.post_ids)
    again = evaluate_rankings(back, TRUTH, [1, 2, 3], VOCABULARY, similarity=np.full((3, 3), 0.5))
    pd.testing.assert_frame_equal(again.table, evaluation.table, check_exact=True)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.permutations(TAGS), st.integers(0, 7), st.sets(st.sampled_from(TAGS))), min_size=1, max_size=8
    )
)
def test_per_post_values_are_read_back_to_the_bit(tmp_path_factory, drawn):
    ranked, truth = [tags[:n] for tags, n, _ in drawn], [sorted(true) for _, _, true in drawn]
    truth[0].append("tag0")
    _, evaluation = make_evaluation((1, 2, 5, 9), ranked, truth)
    path = tmp_path_factory.mktemp("per_post") / "per_post.parquet"
    write_per_post(path, evaluation.outcomes)
    outcomes = read_per_post(path)
    assert outcomes.post_ids == list(evaluation.outcomes.post_ids)
    assert outcomes.user_ids == list(evaluation.outcomes.user_ids)
    assert outcomes.names == evaluation.outcomes.names
    assert outcomes.ks.tolist() == [1, 2, 5, 9]
    for name in outcomes.names:
        np.testing.assert_array_equal(outcomes[name], evaluation.outcomes[name])


def test_per_post_columns_speak_for_themselves(tmp_path):
    write_per_post(tmp_path / "per_post.parquet", make_evaluation()[1].outcomes)
    table = pq.read_table(tmp_path / "per_post.parquet").to_pandas()
    row = table.set_index("post_id").loc["post1"]
    assert row["user_id"] == "user1"
    assert (row["true_hashtags"], row["known_hashtags"], row["new_hashtags"], row["list_length"]) == (2, 1, 1, 3)
    assert list(row["hit_ranks"]) == list(row["known_hit_ranks"]) == [3]
    assert row["f1_per_post@3"] == pytest.approx(2 / 5)
    assert row["redundancy@2"] == pytest.approx(0.5)


def test_per_post_files_that_cannot_be_used(tmp_path):
    path = tmp_path / "per_post.parquet"
    with pytest.raises(DataError, match=r"is missing; make it: multimodal-hashtags evaluate"):
        read_per_post(path)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read as per-post values"):
        read_per_post(path)
    write_per_post(path, make_evaluation()[1].outcomes)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"definitions_version": b"0"}), path)
    with pytest.raises(DataError, match="metric definitions of version 0, this program has version 1; evaluate again"):
        read_per_post(path)


def test_no_user_column_without_users(tmp_path):
    rankings = make_rankings(RANKED, names=TAGS)
    write_per_post(tmp_path / "p.parquet", evaluate_rankings(rankings, TRUTH, [1], VOCABULARY).outcomes)
    outcomes = read_per_post(tmp_path / "p.parquet")
    assert outcomes.user_ids is None
    assert "redundancy" not in outcomes.names


@pytest.mark.parametrize("ks", [[4], [1, 2], list(range(1, 31)), [5, 100, 1000]])
def test_figures_have_whole_ticks_labels_and_the_best_k(ks):
    _, evaluation = make_evaluation(ks)
    axes = sweep_figure(evaluation, ("precision", "recall")).axes[0]
    ticks = [tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
    assert ticks
    assert all(tick == int(tick) and tick >= 1 for tick in ticks)
    assert axes.get_xlabel() == "K, length of the recommended list"
    assert axes.get_ylabel() == "Precision and recall"
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == f"best K by F1: {evaluation.best_k()}"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), evaluation.table["precision"])


def test_figures_are_real_pictures(tmp_path):
    rankings, evaluation = make_evaluation()
    write_files(tmp_path, evaluation_files(evaluation, rankings, {}))
    for name in ("precision_recall.png", "hit_rate_f1.png"):
        with Image.open(tmp_path / name) as image:
            assert image.format == "PNG"
            assert min(image.size) > 600


def test_the_table_marks_the_best_k():
    _, evaluation = make_evaluation()
    table = k_table(evaluation).rich()
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table)
    lines = console.export_text().splitlines()
    marked = [line for line in lines if "best F1" in line]
    assert len(marked) == 1
    assert f" {evaluation.best_k()} " in marked[0]
    assert number(evaluation.at(evaluation.best_k())["f1"]) in marked[0]
    caption = "3 posts; 1 without a true hashtag left out; vocabulary covers 50.0 % of the truth"
    assert table.caption == caption
    assert [row.style for row in table.rows].count("bold green") == 1
