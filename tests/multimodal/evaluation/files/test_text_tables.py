import math

import pandas as pd

from multimodal.evaluation.files.text_tables import (
    latex_table,
    latex_text,
    markdown_table,
    number,
    plain_values,
    signed,
    with_interval,
    with_signed_interval,
)


def test_numbers():
    assert [number(value) for value in (0.28849, 1.0, 0.0, 12.5, math.nan)] == [".288", "1.000", ".000", "12.500", "–"]
    assert [signed(value) for value in (0.0311, -0.2, 0.0, -0.0001, math.inf, math.nan)] == [
        "+.031",
        "−.200",
        ".000",
        ".000",
        "+inf",
        "–",
    ]
    assert with_interval(0.5, 0.4, 0.6) == ".500 [.400, .600]"
    assert with_interval(0.5, math.nan, math.nan) == ".500"
    assert with_signed_interval(-0.5, -0.6, 0.1) == "−.500 [−.600, +.100]"


def test_tables():
    assert markdown_table(["a", "b"], [["x|y", "1"]]).splitlines() == ["| a | b |", "| --- | --- |", "| x\\|y | 1 |"]
    latex = latex_table(["a_b", "c"], [["50%", "−.1"]], "A & B")
    assert r"\caption{A \& B}" in latex
    assert r"a\_b & c \\" in latex
    assert r"50\% & $-$.1 \\" in latex
    assert latex_text("\\~") == r"\textbackslash{}\textasciitilde{}"


def test_values_for_json():
    table = pd.DataFrame({"n": pd.array([1, None], "Int64"), "x": [math.inf, 0.5], "s": ["a", None]})
    assert plain_values(table) == [{"n": 1, "x": None, "s": "a"}, {"n": None, "x": 0.5, "s": None}]
