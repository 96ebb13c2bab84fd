"""Curves of all systems: their figures, what is drawn, and the page."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from saved_run_maker import make_posts, make_run

from multimodal.evaluation.comparison.alignment import alike
from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.comparison.curves import system_curves
from multimodal.evaluation.comparison.pictures import picture_files, system_figure
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.files.chart_style import line_style
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.report.comparison_page import comparison_page

POSTS = make_posts(40)


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for number, name in enumerate(("weak", "fair", "twin", "good")):
        make_run(folder / name, POSTS, (0.1, 0.4, 0.4, 1.2)[number], (0, 1, 1, 2)[number], (1, 3, 6), {"name": name})
    return group_by_seed(read_saved_runs([folder / name for name in ("weak", "fair", "twin", "good")]))


def test_values_are_those_of_the_evaluations(systems):
    curves = system_curves(systems, [5], ["ndcg", "novelty"], resamples=50)
    assert curves.ks == [1, 2, 3, 4, 5, 6]
    assert curves.columns == ["hit_rate", "precision", "recall", "f1", "ndcg"]  # novelty was saved at 1, 3, 6 alone
    good = curves.curves["good"]["recall"]
    np.testing.assert_allclose(
        good.value[[0, 2, 5]], systems["good"][0].outcomes.column("recall").mean(axis=0), atol=1e-12
    )
    assert (good.low <= good.value).all()
    assert (good.high >= good.value).all()
    assert curves.best_k["good"] == 1 + int(np.argmax(curves.curves["good"]["f1"].value))
    assert "novelty" in system_curves(systems, [1, 3, 6], ["novelty"], resamples=20).columns


def test_bands_do_not_go_where_no_value_can(systems, tmp_path):
    for name, skill in (("weak", 0.1), ("good", 1.2)):
        make_run(tmp_path / name, make_posts(6), skill, 0, (1, 3, 6), {"name": name})
    few = group_by_seed(read_saved_runs([tmp_path / "weak", tmp_path / "good"]))
    curves = [curve for held in system_curves(few, [5], resamples=50).curves.values() for curve in held.values()]
    assert min(float(curve.low.min()) for curve in curves) == 0
    assert max(float(curve.high.max()) for curve in curves) == 1
    novelty = system_curves(systems, [1, 3, 6], ["novelty"], resamples=20).curves["good"]["novelty"]
    assert (novelty.high > 1).all()


def test_systems_that_rank_alike_are_named(systems):
    assert alike(systems) == ["fair and twin rank alike: every figure of one is that of the other"]
    assert alike(systems)[0] in compare_runs(systems, [3], Protocol(resamples=10, permutations=10)).notes


def test_a_figure_holds_a_line_for_each_system_in_each_panel(systems):
    curves = system_curves(systems, [5], resamples=50)
    figure = system_figure(curves, ("precision", "recall"))
    for axes, column in zip(figure.axes, ("precision", "recall"), strict=True):
        lines = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
        assert list(lines) == list(systems)
        np.testing.assert_array_equal(lines["good"].get_ydata(), curves.curves["good"][column].value)
        rings = [line for line in axes.lines if line.get_label().startswith("_")]
        assert [ring.get_xdata()[0] for ring in rings] == list(curves.best_k.values())
        assert len(axes.collections) == 4
    styles = [(style["color"], str(style["linestyle"])) for style in map(line_style, range(49))]
    assert len(set(styles)) == 49


def test_pictures_are_written_twice_alike(systems, tmp_path):
    curves = system_curves(systems, [5], ["ndcg"], resamples=50)
    paths = write_files(tmp_path / "a", picture_files(curves))
    assert [path.name for path in paths] == [
        f"curves_{name}.{kind}" for name in ("precision_recall", "hit_rate_f1", "ndcg") for kind in ("png", "svg")
    ]
    again = write_files(tmp_path / "b", picture_files(curves))
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
    ElementTree.parse(paths[1])


def test_the_page_loads_nothing_and_holds_figures_tables_and_notes(systems):
    comparison = compare_runs(systems, range(1, 7), Protocol(test_ks=[5], resamples=50, permutations=200))
    page = comparison_page(comparison, system_curves(systems, range(1, 7), resamples=50))
    assert re.findall(r"<(?:script|link|img)|https?://(?!www\.w3\.org)", page) == []
    assert page.count('role="img"') == 4
    assert "<h3>Metrics at K = 5</h3>" in page
    assert "<h3>F1 at K</h3>" in page
    assert "Note: fair and twin rank alike" in page
    assert '<span class="bold">' in page
    assert "wide table: swipe sideways" in page
