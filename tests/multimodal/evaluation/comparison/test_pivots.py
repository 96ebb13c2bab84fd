"""Tables for a paper: what is bold, underlined and marked; the terminal keeps names whole."""

import io

import pandas as pd
import pytest
from rich.console import Console
from saved_run_maker import make_posts, make_run

from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.comparison.pivots import marks_explained, paper_tables, pivot, systems_by_k
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.files.text_table import TextTable


def column(*rows):
    return pd.DataFrame(rows, columns=["system", "value", "difference", "differs"])


FIRST = column(("base", 0.5, float("nan"), pd.NA), ("up_here", 0.7004, 0.2, True), ("down", 0.2, -0.3, True))
SECOND = column(("base", 0.1, float("nan"), pd.NA), ("up_here", 0.3001, 0.2, False), ("down", 0.3, 0.2, False))


@pytest.fixture
def table():
    return pivot("F1 at K", ["1", "2"], [FIRST, SECOND], ["base", "up_here", "down"])


def test_best_second_and_marks(table):
    assert table.cells == [["base", "0.500", "0.100"], ["up_here", "0.700†", "0.300"], ["down", "0.200‡", "0.300"]]
    assert table.emphasis == {
        (1, 1): "bold",
        (0, 1): "underline",
        (1, 2): "bold",
        (2, 2): "bold",
        (0, 2): "underline",
    }


def test_zeros_do_not_stand_out():
    none = column(("a", 0.0, 0.0, False), ("b", 0.0004, 0.0, False), ("c", 0.2, 0.0, False))
    assert pivot("t", ["1"], [none], ["a", "b", "c"]).emphasis == {(2, 1): "bold"}


def test_markdown_and_latex(table):
    assert "| up_here | **0.700†** | **0.300** |" in table.markdown()
    assert "| base | <u>0.500</u> | <u>0.100</u> |" in table.markdown()
    latex = table.latex("C")
    assert r"up\_here & \textbf{0.700$^{\dagger}$} & \textbf{0.300} \\" in latex
    assert r"down & 0.200$^{\ddagger}$ & \textbf{0.300} \\" in latex
    assert r"\begin{table}" in latex
    assert r"\end{table*}" in table.latex("C", wide=True)


def test_a_comparison_gives_each_metric_by_k_and_the_metrics_at_each_tested_k(tmp_path):
    posts = make_posts(40)
    for number, name in enumerate(("weak", "good")):
        make_run(tmp_path / name, posts, (0.1, 1.5)[number], number, range(1, 7), {"i": number})
    systems = group_by_seed(read_saved_runs([tmp_path / "weak", tmp_path / "good"]))
    found = compare_runs(systems, range(1, 7), Protocol(test_ks=[5], resamples=100))
    by_k, by_metric = paper_tables(found)
    assert (by_k.title, list(by_k.headings)) == ("F1 at K", ["System", "1", "2", "3", "4", "5", "6"])
    assert (by_metric.title, list(by_metric.headings)) == (
        "Metrics at K = 5", ["System", "HR", "P", "R", "F1", "NDCG", "MAP"],
    )  # fmt: skip
    recall = systems["good"][0].outcomes["recall"].astype(float)[:, 4].mean()
    assert by_metric.cells[1][3] == f"{recall:.3f}"
    assert by_metric.cells[1][4].endswith("†")
    assert "at K = 5; elsewhere the 95 % band of the difference" in marks_explained(found)
    assert len(systems_by_k(found, "f1").cells) == 2


def shown(table, width):
    console = Console(width=width, file=io.StringIO())
    for part in table.fitted(width):
        console.print(part.rich())
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_names_and_numbers_stay_whole_at_any_width(width):
    names = ["a_system_of_a_long_name", "cnn_attention"]
    table = TextTable(
        headings=["System", *(f"K = {k}" for k in range(1, 13))],
        cells=[[name, *(f"0.{k:03d}" for k in range(12))] for name in names],
        title="T",
        caption="C",
    )
    lines = shown(table, width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert set(names) <= set(words)
    assert {f"0.{k:03d}" for k in range(12)} <= set(words)
    assert words.count("T") == words.count("C") == 1
    assert (len(table.fitted(width)) == 1) == (width == 200)


def test_columns_move_together_before_a_table_is_cut():
    table = TextTable(headings=["System", "1", "2"], cells=[["a" * 20, "1" * 10, "2" * 10]])
    assert [part.dense for part in table.fitted(46)] == [False]
    assert [part.dense for part in table.fitted(45)] == [True]
    assert max(map(len, shown(table, 45))) <= 45
    assert len(table.fitted(43)) == 2
