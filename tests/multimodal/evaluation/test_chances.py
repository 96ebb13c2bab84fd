"""Whether chances come true, in the evaluation, on the report's page and in the benchmark's table."""

import json

import numpy as np
import pandas as pd
import pytest

from multimodal.evaluation.chances import calibration_errors, chances_table, errors_by_chance
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.evaluation.report.write import write_report
from multimodal.experiments.benchmark.entries import choose_entries
from multimodal.experiments.benchmark.report import chances_table as benchmark_chances
from multimodal.experiments.benchmark.report import markdown
from multimodal.experiments.benchmark.running import run_benchmark
from multimodal.experiments.benchmark.table import CHANCES_COLUMNS, benchmark_table
from multimodal.ranking.calibration import AS_THEY_ARE, Calibration
from multimodal.ranking.rankings import Rankings


def _ranked(scores):
    return Rankings.from_hashtags(
        {str(post): [f"tag{rank}" for rank in range(len(row))] for post, row in enumerate(scores)},
        {str(post): row for post, row in enumerate(scores)},
    )


def test_by_hand():
    scores = [[0.95, 0.45, 0.42, 0.31, 0.21, 0.05], [0.55, 0.45, 0.41, 0.35, 0.31, 0.05]]
    table = chances_table(_ranked(scores), [["tag0", "tag1"], ["tag5"]], AS_THEY_ARE)
    first = table[table["ranks"] == "first 5"]
    assert first["named"].tolist() == [1, 3, 4, 1, 1]
    assert first["mean_chance"].tolist() == pytest.approx([0.21, 0.97 / 3, 1.73 / 4, 0.55, 0.95])
    assert first["share_true"].tolist() == pytest.approx([0, 0, 0.25, 0, 1])
    every = table[table["ranks"] == "all"]
    assert every["named"].tolist() == [2, 1, 3, 4, 1, 1]
    assert every["share_true"].iloc[0] == 0.5
    gap = 0.21 + 0.97 + (1.73 - 1) + 0.55 + 0.05
    assert calibration_errors(table) == pytest.approx(((gap + 0.9) / 12, gap / 10))


def test_scores_become_chances_first():
    scores = [[9.0, 5.0]]
    table = chances_table(_ranked(scores), [["tag0"]], Calibration((0.0, 10.0), (0.0, 1.0)))
    assert table[table["ranks"] == "all"]["mean_chance"].tolist() == pytest.approx([0.5, 0.9])


def _bins(named, chance):
    line = {"low": 0.4, "high": 0.6, "named": named, "mean_chance": chance, "share_true": chance}
    return pd.DataFrame([{"ranks": ranks, **line} for ranks in ("all", "first 5")])


def test_ten_coins():
    for error in errors_by_chance(_bins(10, 0.5)):
        # The mean of |heads - 5| / 10 is 10 · C(9, 4) / 2^10 / 10; its standard deviation 0.1, over 1,000 draws 0.003.
        assert error.mean == pytest.approx(126 / 1024, abs=0.015)
        # At most 3 away: 0.979 of the draws; at most 2: 0.891.
        assert error.most == pytest.approx(0.3)


def test_the_more_hashtags_the_less_is_chance():
    few, many = (errors_by_chance(_bins(named, 0.3))[0] for named in (25, 2_500))
    assert 0 < many.mean < few.mean / 5
    assert 0 < many.most < few.most / 5


def test_certain_chances_have_no_error_and_draws_are_seeded():
    assert {error.most for chance in (0.0, 1.0) for error in errors_by_chance(_bins(10, chance))} == {0.0}
    assert errors_by_chance(_bins(10, 0.5)) == errors_by_chance(_bins(10, 0.5))
    assert np.isnan([error.mean for error in errors_by_chance(_bins(10, 0.5).iloc[:0])]).all()


def test_independent_truth_has_the_error_that_chance_explains():
    generator = np.random.default_rng(3)
    scores = np.sort(generator.random((40, 8)), axis=1)[:, ::-1]
    errors = []
    for _ in range(60):
        truth = [[f"tag{rank}" for rank in np.flatnonzero(row > generator.random(8))] for row in scores]
        table = chances_table(_ranked(scores.tolist()), [[*row, "none"] for row in truth], AS_THEY_ARE)
        errors.append(calibration_errors(table))
    every, first = errors_by_chance(table)
    assert np.mean(errors, axis=0) == pytest.approx([every.mean, first.mean], rel=0.15)
    assert np.quantile(errors, 0.95, axis=0) == pytest.approx([every.most, first.most], rel=0.25)


@pytest.fixture(scope="module")
def done(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chances")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("multimodal.systems.calibrating._LEAST_POSTS", 10)
        rows, _ = run_benchmark(choose_entries("popularity,naive_bayes"), tiny_data, folder, [3, 5])
    return rows


def test_evaluate_writes_them_for_systems_that_have_any(done):
    without, run = (row.folder / "evaluation" / "test" for row in done)
    assert not (without / "chances.csv").exists()
    assert "chances" not in json.loads((without / "metrics.json").read_text(encoding="utf-8"))
    table = pd.read_csv(run / "chances.csv")
    depth = 30
    posts = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["counts"]["posts"]
    assert table[table["ranks"] == "first 5"]["named"].sum() == 5 * posts
    assert table[table["ranks"] == "all"]["named"].sum() <= depth * posts
    told = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["chances"]
    assert tuple(told.values()) == pytest.approx(calibration_errors(table))
    assert list(told) == ["calibration_error", "calibration_error_at_5"]
    by_chance = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["chances_that_come_true"]
    assert list(by_chance) == list(told)
    values = [value for error in errors_by_chance(table) for value in (error.mean, error.most)]
    assert [value for error in by_chance.values() for value in error.values()] == pytest.approx(values)


def test_the_page_shows_them(done, tiny_data):
    for row, shown in zip(done, (False, True), strict=True):
        folder = row.folder / "evaluation" / "test"
        write_report(row.folder, tiny_data, folder)
        text = (folder / "report.html").read_text(encoding="utf-8")
        assert ("Do the probabilities come true?" in text) == shown
        assert ("On so many hashtags, probabilities that come true exactly have 0." in text) == shown
        assert ("Chances and what came of them" in text) == shown
        assert ("auto: the highest expected F1" in text) == shown


def test_an_evaluation_replaces_them(done, tiny_data):
    folder = done[1].folder / "evaluation" / "test"
    before = (folder / "chances.csv").read_bytes()
    evaluate_run(done[1].folder, tiny_data, ks=[3, 5], slices=False)
    # Saved predictions never get shallower.
    assert (folder / "chances.csv").read_bytes() == before


def test_the_benchmark_has_a_row_for_each_system_with_chances(done, tiny_data):
    table = benchmark_table(done, tiny_data, [3, 5])
    lines = table.drop_duplicates("system").set_index("system")[list(CHANCES_COLUMNS)]
    assert lines.loc["popularity"].isna().all()
    assert lines.loc["naive_bayes"].notna().all()
    lengths = pd.read_csv(done[1].folder / "evaluation" / "test" / "which_k.csv").set_index("rule")
    assert lines.loc["naive_bayes", "auto_f1"] == pytest.approx(lengths.loc["auto", "f1"])
    shown = benchmark_chances(table)
    assert [cells[0] for cells in shown.cells] == ["naive_bayes"]
    assert 0 <= float(shown.cells[0][1]) <= 1
    settings = {"seed": 0, "unit": "posts", "threshold": None, "command": "multimodal-hashtags benchmark"}
    assert "| naive_bayes | " in markdown(table, settings, ()).split("F1 of auto")[1]
    without = table[table["system"] == "popularity"]
    assert "F1 of auto" not in markdown(without, settings, ())
    assert np.isnan(without["calibration_error"]).all()
