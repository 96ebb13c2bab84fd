"""The charts: what they draw, what is escaped, and that they come out the same every time."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from multimodal.evaluation.report.charts import Axis, Series, bar_chart, interval_chart, line_chart, scatter_chart

UNIT = Axis("x & y", 0, 1)
NASTY = "a<b>\"'&]]>$x$"


def parsed(svg):
    root = ElementTree.fromstring(str(svg))
    assert root.tag == "svg"
    return root


def titles(root):
    return [title.text for title in root.iter("title")]


def texts(root):
    return ["".join(text.itertext()) for text in root.iter("text")]


def lines():
    x = [0, 0.5, 1]
    return line_chart([Series(NASTY, x, [0, np.nan, 1], [0, 0, 0], [1, 1, 1]), Series("second", x, x)], UNIT, UNIT,
                      NASTY, markers=True, mark_x=1)  # fmt: skip


def test_lines_hold_their_values_names_and_titles():
    root = parsed(lines())
    assert root.attrib["aria-label"] == NASTY
    assert titles(root) == [f"{NASTY} at {x}: {y}" for x, y in (("0", "0.000"), ("1", "1.000"))] + [
        f"second at {x}: {y}" for x, y in (("0", "0.000"), ("0.5", "0.500"), ("1", "1.000"))
    ]
    assert {NASTY, "second", "x & y"} <= set(texts(root))


def test_a_chart_takes_ink_and_font_from_the_page_and_fetches_nothing():
    svg = str(lines())
    assert "currentColor" in svg
    assert "#000000" not in svg
    assert not re.search("font-family|<metadata|<style|https?:", svg)
    assert "#1a80c4" in svg


def test_the_same_chart_is_the_same_text():
    assert lines() == lines()


def test_ids_differ_between_charts():
    def ids(label):
        return set(re.findall(r'id="([^"]+)"', line_chart([Series("a", [0, 1], [0, 1])], UNIT, UNIT, label)))

    assert ids("one")
    assert not ids("one") & ids("two")


def test_long_lines_are_thinned_out():
    x = np.linspace(0, 1, 5_000)
    svg = line_chart([Series("a", x, x**2, tail=10)], UNIT, UNIT, "long")
    assert max(len(path.split("L")) for path in re.findall(r' d="([^"]*)"', svg)) <= 240


def test_bars_show_their_values():
    several = parsed(bar_chart(["u", NASTY], [("one", [1, np.nan]), ("two", [0, 0.5])], "", UNIT, "bars"))
    assert titles(several) == ["u, one: 1.000", f"{NASTY}, one: nan", "u, two: 0.000", f"{NASTY}, two: 0.500"]
    assert {"one", "two", NASTY} <= set(texts(several))
    single = texts(parsed(bar_chart(["u", "v"], [("one", [0.25, 0.5])], "K", UNIT, "bars", ["25 %", "50 %"])))
    assert {"25 %", "50 %", "u", "v", "K"} <= set(single)
    assert "one" not in single


def test_of_many_bars_some_have_names():
    names = [f"n{i}" for i in range(30)]
    shown = texts(parsed(bar_chart(names, [("one", [0.5] * 30)], "", UNIT, "bars")))
    assert [name for name in names if name in shown] == names[::3]


@pytest.mark.parametrize("weights", [(3, 1, 0), (0, 0, 0)])
def test_every_point_has_its_text(weights):
    points = [(10, 0.5, weights[0], NASTY), (10, 0.7, weights[1], "second"), (100, 0.5, weights[2], "third")]
    root = parsed(scatter_chart(points, Axis("", 1, 200, log=True), UNIT, "points"))
    assert sorted(titles(root)) == sorted([NASTY, "second", "third"])
    assert {"1", "10", "100"} <= set(texts(root))


def test_intervals_have_a_row_each():
    root = parsed(
        interval_chart([("a", 0.5, 0.4, 0.6), (NASTY, np.nan, 0, 0), ("c", 0.3, np.nan, np.nan)], 1, 0.5, "d")
    )
    assert titles(root) == ["a: 0.500 (0.400–0.600)", "c: 0.300"]
    assert {"a", NASTY, "c"} <= set(texts(root))


def test_glyphs_that_no_font_here_holds_are_left_to_the_reader(recwarn):
    svg = bar_chart(["ひらがな", "a\x00b"], [("one", [1, 1])], "", UNIT, "scripts")
    assert "ひらがな" in svg
    assert "a b" in svg
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
