import json

import numpy as np
import pandas as pd
import pytest
from saved_run_maker import make_posts, make_run
from scipy import stats

from data_loaders.errors import UserError
from multimodal.evaluation.comparison.comparison import TABLE_COLUMNS, Protocol, compare_runs
from multimodal.evaluation.comparison.comparison_files import (
    comparison_table,
    narrow_comparison_table,
    write_comparison,
)
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.files.results import truth_fingerprints
from multimodal.evaluation.uncertainty.paired import holm

POSTS = make_posts(40)
FAST = Protocol(columns=("f1", "recall"), resamples=200, permutations=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "weak", POSTS, 0.1, seed=5, config={"width": 1})
    for seed in (0, 1):
        make_run(folder / f"good_seed{seed}", POSTS, 0.9, seed=seed, config={"width": 2})
    make_run(folder / "fair", POSTS, 0.3, seed=6, config={"width": 3})
    return folder


def systems(folder, *names):
    return group_by_seed(read_saved_runs([folder / name for name in names]))


def row(table, **values):
    return table[np.logical_and.reduce([table[name] == value for name, value in values.items()])].iloc[0]


def test_everything_is_compared_with_the_first(folder):
    found = compare_runs(systems(folder, "weak", "good_seed0", "good_seed1", "fair"), [1, 3], FAST)
    table = found.table
    assert tuple(table.columns) == TABLE_COLUMNS
    assert len(table) == 3 * 2 * 2
    assert table["system"].tolist()[:6] == ["weak", "good", "fair"] * 2
    assert table["metric"].tolist() == ["f1"] * 6 + ["recall"] * 6
    assert table[table["system"] == "weak"]["p"].isna().all()
    tested = table[table["system"] != "weak"]
    np.testing.assert_allclose(tested["p_holm"], holm(tested["p"].to_numpy()))
    good = row(table, system="good", metric="recall", k=3)
    assert (good["runs"], good["against"]) == (2, "weak")
    assert good["difference"] == pytest.approx(good["value"] - row(table, system="weak", metric="recall", k=3)["value"])
    assert good["low"] <= good["value"] <= good["high"]
    assert 0 < good["difference_low"] <= good["difference"] <= good["difference_high"]
    assert good["wins"] + good["ties"] + good["losses"] == 40
    assert np.isnan(row(table, system="fair", metric="f1", k=1)["sd_over_seeds"])


def test_seeds_are_summarised_by_mean_and_sd(folder):
    found = compare_runs(systems(folder, "weak", "good_seed0", "good_seed1"), [3], FAST)
    alone = [run.outcomes["recall"].astype(float)[:, 1].mean() for run in
             read_saved_runs([folder / "good_seed0", folder / "good_seed1"])]  # fmt: skip
    good = row(found.table, system="good", metric="recall", k=3)
    assert good["value"] == pytest.approx(np.mean(alone), abs=1e-6)
    assert good["sd_over_seeds"] == pytest.approx(np.std(alone, ddof=1), abs=1e-6)


def test_p_agrees_with_scipy_where_all_swaps_are_gone_through(tmp_path):
    posts = make_posts(9)
    for name, skill in (("a", 0.2), ("b", 0.9)):
        make_run(tmp_path / name, posts, skill, config={"name": name})
    found = compare_runs(systems(tmp_path, "a", "b"), [3], Protocol(columns=["recall"], resamples=10, permutations=512))
    values = [run.outcomes["recall"][:, 1].astype(float)
              for run in read_saved_runs([tmp_path / "b", tmp_path / "a"])]  # fmt: skip
    exact = stats.permutation_test(
        values, lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert row(found.table, system="b")["p"] == pytest.approx(exact.pvalue)


def test_the_interval_of_a_difference_is_that_of_paired_resamples(folder):
    protocol = Protocol(columns=["recall"], resamples=4000, permutations=10)
    found = row(compare_runs(systems(folder, "weak", "fair"), [3], protocol).table, system="fair")
    runs = read_saved_runs([folder / "fair", folder / "weak"])
    apart = np.subtract(*(run.outcomes["recall"][:, 1].astype(float) for run in runs))
    theirs = stats.bootstrap((apart,), np.mean, n_resamples=4000, method="percentile", random_state=0)
    ends = (theirs.confidence_interval.low, theirs.confidence_interval.high)
    np.testing.assert_allclose([found["difference_low"], found["difference_high"]], ends, atol=0.012)


def test_k_need_not_be_one_of_the_sweep(folder):
    found = compare_runs(systems(folder, "weak", "fair"), [2], FAST).table
    assert (found["k"] == 2).all()
    with pytest.raises(
        UserError, match=r"k: 6 is above the largest K that .* was evaluated at, 5; evaluate it further"
    ):
        compare_runs(systems(folder, "weak", "fair"), [6], FAST)
    with pytest.raises(UserError, match="metric 'novelty' has no value per post here"):
        compare_runs(systems(folder, "weak", "fair"), [2], Protocol(columns=["novelty"]))


def test_against(folder):
    given = systems(folder, "weak", "fair")
    assert row(compare_runs(given, [1], FAST, against="fair").table, system="weak")["against"] == "fair"
    with pytest.raises(UserError, match=r"against: 'fare' is not one of the systems. Did you mean 'fair'\?"):
        compare_runs(given, [1], FAST, against="fare")
    with pytest.raises(UserError, match=r"1 system to compare \(good\); give at least two .* --separate keeps"):
        compare_runs(systems(folder, "good_seed0", "good_seed1"), [1], FAST)


def test_other_posts_are_refused_or_left_out_and_counted(folder, tmp_path):
    make_run(tmp_path / "fewer", POSTS[:33], 0.5, config={"fewer": 1})
    given = group_by_seed(read_saved_runs([folder / "weak", tmp_path / "fewer"]))
    with pytest.raises(UserError, match="not evaluated on the same posts: weak 40, fewer 33, of which 33 are in all"):
        compare_runs(given, [3], FAST)
    found = compare_runs(given, [3], FAST, common_posts=True)
    assert len(found.aligned.post_ids) == 33
    assert found.notes[0] == "posts that not all runs hold are left out: weak 7"
    full = compare_runs(systems(folder, "weak", "fair"), [3], FAST)
    assert row(full.table, system="weak")["value"] != row(found.table, system="weak")["value"]


def test_other_truths_are_refused_even_where_their_counts_are_equal(folder, tmp_path):
    truth = [list(post.hashtags) for post in POSTS]
    place = next(i for i, tags in enumerate(truth) if ("tag10" in tags) != ("tag11" in tags))
    truth[place] = [{"tag10": "tag11", "tag11": "tag10"}.get(tag, tag) for tag in truth[place]]
    make_run(tmp_path / "other", POSTS, 0.5, truth=truth, config={"other": 1})
    given = group_by_seed(read_saved_runs([folder / "weak", tmp_path / "other"]))
    with pytest.raises(
        UserError, match=r"weak and other were evaluated against different truths or vocabularies on 1 of 40 posts"
    ):
        compare_runs(given, [3], FAST)
    notes = compare_runs(given, [3], FAST, common_posts=True).notes
    assert notes[0] == "posts with different truths are left out: 1"


def test_no_post_in_common(folder, tmp_path):
    make_run(tmp_path / "x", make_posts(60)[45:], 0.5, config={"x": 1})
    with pytest.raises(UserError, match="have no post in common"):
        compare_runs(group_by_seed(read_saved_runs([folder / "weak", tmp_path / "x"])), [1], FAST, common_posts=True)


def test_other_protocols_and_many_posts_of_a_user_are_noted(folder, tmp_path):
    make_run(tmp_path / "frozen", POSTS, 0.5, history="frozen")
    runs = read_saved_runs([folder / "weak", tmp_path / "frozen" / "evaluation" / "test-frozen"])
    notes = compare_runs(group_by_seed(runs), [1], FAST).notes
    assert "the history protocols differ (weak rolling, " in notes[0]
    assert "a user wrote 7.4 of these posts on average" in notes[1]
    over_users = Protocol(unit="users", resamples=50, permutations=50)
    assert compare_runs(systems(folder, "weak", "fair"), [1], over_users).notes == [
        "only 8 users: intervals over so few are too narrow, and say little about other users"
    ]


def test_files(folder, tmp_path):
    found = compare_runs(systems(folder, "weak", "good_seed0", "good_seed1"), [1, 3], FAST)
    paths = write_comparison(tmp_path, found)
    assert [path.name for path in paths] == [
        *("comparison.csv", "comparison.md", "comparison.tex", "comparison.json"),
        *("tables.md", "tables.tex"),
    ]
    table = pd.read_csv(paths[0])
    assert tuple(table.columns) == TABLE_COLUMNS
    np.testing.assert_allclose(table["difference"], found.table["difference"])
    markdown = paths[1].read_text(encoding="utf-8")
    assert "| good | F1 | 3 |" in markdown
    assert "40 posts; 200 bootstrap samples and 300 random swaps of posts; Holm over 4 comparisons." in markdown
    assert r"\begin{tabular}{lrrrrrrrrr}" in paths[2].read_text(encoding="utf-8")
    record = json.loads(paths[3].read_text(encoding="utf-8"))
    assert (record["posts"], record["against"], record["holm_over"]) == (40, "weak", 4)
    assert record["table"][0]["p"] is None
    assert len(narrow_comparison_table(found).cells) == len(comparison_table(found).cells) == 8


def test_fingerprints_tell_sets_apart():
    a, b, c, d = truth_fingerprints([["x", "y"], ["y", "x", "x"], ["xy"], []]).tolist()
    assert a == b
    assert len({a, c, d}) == 3
