import io
import math

import pandas as pd
from rich.console import Console

from multimodal.evaluation.files.text_table import (
    TextTable,
    latex_text,
    number,
    probability,
    signed,
    with_interval,
    with_signed_interval,
)
from multimodal.evaluation.files.writing import plain_values


def test_numbers():
    assert [number(value) for value in (0.28849, 1.0, 0.0, 12.5, math.nan)] == [
        "0.288",
        "1.000",
        "0.000",
        "12.500",
        "–",
    ]
    assert [signed(value) for value in (0.0311, -0.2, 0.0, -0.0001, math.inf, math.nan)] == [
        "+0.031",
        "−0.200",
        "0.000",
        "0.000",
        "+inf",
        "–",
    ]
    assert with_interval(0.5, 0.4, 0.6) == "0.500 [0.400, 0.600]"
    assert with_interval(0.5, math.nan, math.nan) == "0.500"
    assert with_signed_interval(-0.5, -0.6, 0.1) == "−0.500 [−0.600, +0.100]"


def test_tables():
    markdown = TextTable(headings=["a", "b"], cells=[["x|y\nz", "1"]]).markdown()
    assert markdown == "| a | b |\n| --- | --- |\n| x\\|y z | 1 |\n"
    latex = TextTable(headings=["a_b", "c"], cells=[["50%", "−.1"]]).latex("A & B")
    assert r"\begin{tabular}{lr}" in latex
    assert r"\caption{A \& B}" in latex
    assert r"a\_b & c \\" in latex
    assert r"50\% & $-$.1 \\" in latex
    assert latex_text("\\~") == r"\textbackslash{}\textasciitilde{}"


def test_the_terminal_shows_text_as_it_is():
    table = TextTable(headings=["[b]a[/b]", "n\n[95%]"], cells=[[":smile: [red]x", "1"], ["y", "20"]], title="T",
                      styles=["", "green"])  # fmt: skip
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(table.rich())
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert [line.strip() for line in lines[:1]] == ["T"]
    shown = [line.strip() for line in lines if line.strip()]
    assert [shown[1].split(), shown[2].split()] == [["n"], ["[b]a[/b]", "[95%]"]]
    assert [line.split() for line in shown[4:]] == [[":smile:", "[red]x", "1"], ["y", "20"]]
    assert [row.style for row in table.rich().rows] == [None, "green"]


def test_small_probabilities():
    assert [probability(p) for p in (0.00001, 0.0213, 1.0)] == ["< 0.0001", "0.0213", "1.0000"]


def test_values_for_json():
    table = pd.DataFrame({"n": pd.array([1, None], "Int64"), "x": [math.inf, 0.5], "s": ["a", None]})
    assert plain_values(table) == [{"n": 1, "x": None, "s": "a"}, {"n": None, "x": 0.5, "s": None}]
