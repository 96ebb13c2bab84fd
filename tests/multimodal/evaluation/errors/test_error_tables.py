"""The error analysis against counts by hand, against scikit-learn, and on the edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, multilabel_confusion_matrix, roc_auc_score

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.errors.analysis import analyse_errors, write_errors
from multimodal.evaluation.errors.curves import hashtag_curves, macro_curves, micro_curves
from multimodal.evaluation.errors.flat_ranking import FlatRanking
from multimodal.evaluation.errors.tables import (
    band_names,
    calibration_error,
    calibration_table,
    confused_pairs,
    confusion_table,
    errors_by_frequency,
    frequency_correlations,
    ndcg_distribution,
    ndcg_of_posts,
)
from multimodal.ranking.rankings import Rankings

NAMES = ["sea", "sky", "sun", "tea", "cat", "dog"]


def rankings(*lists, scores=None):
    depth = max(map(len, lists))
    indices, values = np.full((len(lists), depth), -1, np.int64), np.full((len(lists), depth), np.nan)
    for row, names in enumerate(lists):
        indices[row, : len(names)] = [NAMES.index(name) for name in names]
        values[row, : len(names)] = scores[row] if scores else 1 - np.arange(len(names)) / 10
    return Rankings([f"p{row}" for row in range(len(lists))], indices, values, NAMES)


LISTS = rankings(["sea", "sky", "sun"], ["sea", "tea", "cat"], ["sky", "sea"], ["dog", "cat", "sea"])
TRUTH = [["sea", "sun", "tea"], ["tea", "new"], ["sea"], []]


def ranking():
    return FlatRanking.of(LISTS, TRUTH)


def test_confusion_counts_by_hand():
    table = confusion_table(ranking(), 2, {"sea": 9, "tea": 3}).set_index("hashtag")
    columns = ["train_frequency", "true_posts", "named", "tp", "fp", "fn", "tn"]
    assert table.loc["sea", columns].tolist() == [9, 2, 3, 2, 1, 0, 0]
    assert table.loc["tea", columns].tolist() == [3, 2, 1, 1, 0, 1, 1]
    assert table.loc["sun", columns].tolist() == [0, 1, 0, 0, 0, 1, 2]
    assert table.loc["new", columns].tolist() == [0, 1, 0, 0, 0, 1, 2]
    assert table.loc["sky", columns].tolist() == [0, 0, 2, 0, 2, 0, 1]
    assert (table[["tp", "fp", "fn", "tn"]].sum(axis=1) == 3).all()
    assert table.loc["sea", "precision"] == pytest.approx(2 / 3)
    assert np.isnan(table.loc["sky", "recall"])
    assert np.isnan(table.loc["sun", "precision"])
    assert table.index[0] == "sea"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_counts_and_areas_are_those_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    posts, size, depth, k = int(draw.integers(2, 9)), len(NAMES), int(draw.integers(1, 7)), int(draw.integers(1, 5))
    scores = np.sort(draw.integers(0, 6, (posts, depth)) / 5)[:, ::-1]
    indices = np.stack([draw.permutation(size)[:depth] for _ in range(posts)]).astype(np.int64)
    truth = draw.random((posts, size)) < 0.4
    truth[0, 0] = True
    given_truth = [[NAMES[tag] for tag in np.flatnonzero(row)] for row in truth]
    found = FlatRanking.of(Rankings([f"p{n}" for n in range(posts)], indices, scores, NAMES), given_truth)
    kept = truth[truth.any(axis=1)]
    dense = np.full((posts, size), -1.0)
    np.put_along_axis(dense, indices, scores, 1)
    dense = dense[truth.any(axis=1)]
    named = np.zeros((posts, size), bool)
    np.put_along_axis(named, indices[:, :k], True, 1)
    matrices = dict(zip(NAMES, multilabel_confusion_matrix(kept, named[truth.any(axis=1)]).reshape(-1, 4), strict=True))
    for row in confusion_table(found, k, {}).to_dict("records"):
        assert [row["tn"], row["fp"], row["fn"], row["tp"]] == matrices[row["hashtag"]].tolist()
    precision_recall, roc = micro_curves(found, size)
    if not kept.all():
        assert roc.area == pytest.approx(roc_auc_score(kept.ravel(), dense.ravel()))
    tail = (1 - precision_recall.x[-1]) * kept.mean() if (dense < 0).any() else 0
    assert precision_recall.area + tail == pytest.approx(average_precision_score(kept.ravel(), dense.ravel()))
    for curve in [*micro_curves(found, size), *macro_curves(found), *hashtag_curves(found, int(found.true_tag[0]))]:
        assert (np.diff(curve.x) >= 0).all()
        assert ((curve.y >= 0) & (curve.y <= 1 + 1e-12)).all()


def test_macro_is_the_mean_of_the_hashtags():
    found = ranking()
    tags = sorted(set(found.true_tag.tolist()))
    areas = [[curve.area for curve in hashtag_curves(found, tag)] for tag in tags]
    assert [curve.area for curve in macro_curves(found)] == pytest.approx(np.mean(areas, axis=0).tolist())


def test_a_hashtag_that_is_never_named_has_an_empty_curve():
    found = ranking()
    precision_recall, roc = hashtag_curves(found, list(found.names).index("new"))
    assert (precision_recall.area, roc.area) == (0, 0.5)


def test_ndcg_of_posts_and_its_bins():
    values = ndcg_of_posts(ranking(), 2)
    best = 1 + 1 / np.log2(3)
    assert values.tolist() == pytest.approx([1 / best, 1 / np.log2(3) / best, 1 / np.log2(3)])
    table = ndcg_distribution(np.array([0, 0.1999, 0.2, 0.5, 0.8, 1.0]))
    assert table["posts"].tolist() == [2, 1, 1, 0, 2]
    assert table["share"].sum() == pytest.approx(1)


def test_errors_add_up_by_band():
    assert band_names() == ["never", "1–4", "5–19", "20–49", "50–99", "100–499", "500–999", "1000+"]
    confusion = confusion_table(ranking(), 2, {"sea": 1000, "tea": 4, "sky": 1})
    table = errors_by_frequency(confusion).set_index("train_frequency")
    assert table.index.tolist() == ["never", "1–4", "1000+"]
    assert table.loc["1–4", ["hashtags", "true", "named", "tp", "fp", "fn"]].tolist() == [2, 2, 3, 1, 2, 1]
    assert table["share_of_fp"].sum() == pytest.approx(1)
    assert table["share_of_fn"].sum() == pytest.approx(1)
    correlations = frequency_correlations(confusion)
    assert set(correlations) == {"fp", "fn", "recall"}
    assert correlations["recall"] == pytest.approx(1)


def test_confused_pairs_by_hand():
    table = confused_pairs(ranking(), 2)
    pairs = {(row.missed, row.instead): row for row in table.itertuples()}
    # Post 0 misses sun and tea and wrongly names sky; post 1 misses "new" and wrongly names sea.
    assert set(pairs) == {("sun", "sky"), ("tea", "sky"), ("new", "sea")}
    assert (pairs["sun", "sky"].posts, pairs["sun", "sky"].share) == (1, 1)
    assert pairs["sun", "sky"].lift == pytest.approx(1 * 3 / (1 * 2))
    assert table["missed"].tolist()[0] == "new"  # of equals the one of largest lift
    assert len(confused_pairs(ranking(), 2, most=1)) == 1


def test_calibration_by_hand():
    ranked = rankings(["sea", "sky"], ["sea", "sun"], scores=[[0.95, 0.15], [0.91, 0.1]])
    table = calibration_table(FlatRanking.of(ranked, [["sea"], ["sun"]]), 2)
    assert table["named"].tolist() == [2, 2]
    assert table["mean_score"].tolist() == pytest.approx([0.125, 0.93])
    assert table["share_true"].tolist() == pytest.approx([0.5, 0.5])
    assert calibration_error(table) == pytest.approx((0.375 + 0.43) / 2)


def test_scores_that_are_no_probabilities_are_binned_by_number():
    ranked = rankings(["sea", "sky"], ["sea", "sun"], scores=[[7.0, 3.0], [6.0, -2.0]])
    table = calibration_table(FlatRanking.of(ranked, [["sea"], ["sun"]]), 2)
    assert table["named"].sum() == 4
    assert np.isnan(calibration_error(table))
    same = rankings(["sea", "sky"], ["sea", "sun"], scores=[[7.0, 7.0], [7.0, 7.0]])
    assert calibration_table(FlatRanking.of(same, [["sea"], ["sun"]]), 2)["named"].tolist() == [4]


def test_everything_at_once_and_its_files(tmp_path):
    analysis = analyse_errors(LISTS, TRUTH, 2, {"sea": 3}, NAMES, selected=2)
    assert (analysis.posts, analysis.depth) == (3, 3)
    assert [curve.name for curve in analysis.curves] == [*["micro"] * 2, *["macro"] * 2, *["sea"] * 2, *["tea"] * 2]
    paths = write_errors(tmp_path, analysis)
    assert sorted(path.name for path in paths) == [
        "calibration.csv", "confused_pairs.csv", "curves.csv", "errors_by_frequency.csv", "hashtags.csv",
        "ndcg_distribution.csv",
    ]  # fmt: skip
    assert pd.read_csv(tmp_path / "hashtags.csv")["tp"].sum() == 3


def test_lists_that_are_empty():
    empty = Rankings(["a", "b"], np.full((2, 3), -1), np.full((2, 3), np.nan), NAMES)
    analysis = analyse_errors(empty, [["sea"], ["sky"]], 2, {}, NAMES)
    assert analysis.hashtags["fn"].sum() == 2
    assert analysis.calibration.empty
    assert analysis.pairs.empty
    assert analysis.ndcg.tolist() == [0, 0]


def test_mistakes():
    with pytest.raises(UserError, match="k: 0 hashtags cannot be analysed"):
        analyse_errors(LISTS, TRUTH, 0, {}, NAMES)
    with pytest.raises(DataError, match="none of the 4 posts has a true hashtag"):
        analyse_errors(LISTS, [[]] * 4, 2, {}, NAMES)
    with pytest.raises(DataError, match="4 ranked posts, but the truth of 1"):
        analyse_errors(LISTS, [["sea"]], 2, {}, NAMES)
