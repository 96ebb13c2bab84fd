import numpy as np
import pandas as pd
import pytest
from saved_run_maker import make_posts, make_run

from data_loaders.errors import UserError
from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.comparison.comparison_files import slice_comparison_files, slice_tables
from multimodal.evaluation.comparison.comparison_slices import check_slicings, compare_slices, read_slices
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.slices.slices import HASHTAG_FREQUENCY, TITLES

POSTS = make_posts(80)
# Better where there is no caption, and there alone.
SKILL = [0.9 if post.caption is None else 0.2 for post in POSTS]
FAST = Protocol(resamples=200, permutations=300)


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "sum", POSTS, 0.2, seed=1, config={"fusion": "sum"})
    for seed in (2, 3):
        make_run(folder / f"weighted{seed}", POSTS, SKILL, seed=seed, config={"fusion": "weighted"})
    return group_by_seed(read_saved_runs([folder / "sum", folder / "weighted2", folder / "weighted3"]))


@pytest.fixture(scope="module")
def table(systems):
    comparison = compare_runs(systems, [3], FAST)
    return compare_slices(comparison, read_slices(systems, comparison.aligned), ["caption_length", HASHTAG_FREQUENCY])


def test_the_slice_that_gains_stands_out(table, systems):
    captions = table[table["slicing"] == "caption_length"].set_index("slice")
    assert captions["posts"].to_dict() == {"none": 20, "short": 40, "long": 20}
    assert captions.loc["none", "difference_low"] > 0.2
    assert captions.loc["none", "p_holm"] < 0.05
    assert captions.loc["none", "lead_low"] > 0
    assert captions.loc["short", "p_holm"] > 0.05
    assert (captions["difference"] == captions["value"] - captions["value_against"]).all()
    # The lead is the difference here less the difference on all other posts.
    runs = [run for members in systems.values() for run in members]
    none = np.array([post.caption is None for post in POSTS])

    def f1(run, rows):
        p, r = (run.outcomes[name][rows, 1].astype(float).mean() for name in ("precision", "recall"))
        return p, r

    def joined(rows):
        first, second = np.mean([f1(run, rows) for run in runs[1:]], axis=0), f1(runs[0], rows)
        return [2 * p * r / (p + r) for p, r in (first, second)]

    lead = np.subtract(*joined(none)) - np.subtract(*joined(~none))
    assert captions.loc["none", "lead"] == pytest.approx(lead, abs=1e-6)


def test_bands_of_hashtags_are_compared_by_recall(table):
    bands = table[table["slicing"] == HASHTAG_FREQUENCY]
    assert bands["metric"].eq("recall").all()
    assert "frequent" in bands["slice"].tolist()
    assert bands["lead"].isna().all()
    assert bands["p"].between(0, 1).all()


def test_files_and_tables(table, tmp_path):
    paths = write_files(tmp_path, slice_comparison_files(table))
    assert [path.name for path in paths] == ["comparison_slices.csv", "comparison_slices.md"]
    assert len(pd.read_csv(paths[0])) == len(table)
    assert "F1@3 of weighted – sum" in paths[1].read_text(encoding="utf-8")
    assert [len(shown.cells) for shown in slice_tables(table)] == [3, len(table) - 3]


def test_names_of_slicings():
    assert check_slicings(["all"]) == list(TITLES)
    with pytest.raises(
        UserError, match=r"slices: unknown 'caption'. Did you mean 'caption_length'\? Accepted: all, cap"
    ):
        check_slicings(["caption"])


def test_old_evaluations_are_refused(systems, tmp_path):
    make_run(tmp_path / "old", POSTS, config={"old": 1})
    (tmp_path / "old" / "evaluation" / "test" / "slices.parquet").unlink()
    given = {"sum": systems["sum"], "old": read_saved_runs([tmp_path / "old"])}
    comparison = compare_runs(given, [3], FAST)
    with pytest.raises(UserError, match=r"slices.parquet \(which post is in which slice\) is missing; make it"):
        read_slices(given, comparison.aligned)
