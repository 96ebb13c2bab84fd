"""LaTeX compiles the tables, on pages of one column and of two, and nothing sticks out of its column or page."""

import shutil
import subprocess

import pytest
from saved_run_maker import make_posts, make_run

from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.comparison.comparison_files import write_comparison
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.files.text_table import TextTable

DOCUMENT = r"""\documentclass[%s]{article}
\usepackage{booktabs,graphicx}
\begin{document}
%s
\end{document}
"""
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def compiled(folder, columns, names):
    """Compile files of tables and return the log."""
    body = "\n".join(rf"\input{{{name}}}" for name in names)
    (folder / "paper.tex").write_text(DOCUMENT % (columns, body))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
    return done.stdout


@needs_latex
@pytest.mark.parametrize(("columns", "wide"), [("onecolumn", False), ("twocolumn", False), ("twocolumn", True)])
def test_the_tables_of_a_comparison(tmp_path, columns, wide):
    posts, ks = make_posts(40), list(range(1, 7))
    names = ["weak_100%", "good & long_name_of_a_system", "[best]"]
    for number, name in enumerate(names):
        make_run(tmp_path / name, posts, number, number, ks, {"i": number})
    systems = group_by_seed(read_saved_runs([tmp_path / name for name in names]))
    columns_of = ["precision", "recall", "f1", "ndcg"]
    write_comparison(
        tmp_path, compare_runs(systems, ks, Protocol(columns=columns_of, resamples=50, permutations=100)), wide=wide
    )
    log = compiled(tmp_path, columns, ["tables.tex", "comparison.tex"])
    assert "Overfull" not in log
    assert "Float too large" not in log


@needs_latex
def test_text_that_latex_would_read_as_commands(tmp_path):
    rows = [["[a]", "*b"], ["*", "[c]"], ["key=1 " * 30, "1"], ["a_b^c~d\\e{}#$%&|<>", "± – − † ‡ ≥ ≤ …"]]
    table = TextTable(headings=["[name]", "%"], cells=rows, emphasis={(0, 0): "bold", (3, 1): "underline"})
    (tmp_path / "table.tex").write_text(table.latex("50 % of [all] & more"), encoding="utf-8")
    compiled(tmp_path, "onecolumn", ["table.tex"])


def test_a_long_table_becomes_several_with_the_same_headings_and_every_row_once():
    table = TextTable(headings=["name", "x"], cells=[[f"row{number}", "1"] for number in range(90)],
                      emphasis={(85, 1): "bold"})  # fmt: skip
    latex = table.latex("C")
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == latex.count(r"name & x \\") == 3
    assert latex.count(r"\caption{C}") == 1
    assert latex.count(r"\caption{(continued) C}") == 2
    assert all(latex.count(f"row{number} &") == 1 for number in range(90))
    assert r"row85 & \textbf{1} \\" in latex


def test_a_long_cell_has_several_lines():
    latex = TextTable(headings=["name", "x"], cells=[["first_key=0.123456789 " * 3, "1"]]).latex("C")
    line = r"first\_key=0.123456789"
    assert rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{line} {line}\\{line}\end{{tabular}} & 1 \\" in latex
