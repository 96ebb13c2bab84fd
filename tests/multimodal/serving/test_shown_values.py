"""Values of requests in messages: short, and text that every answer can hold."""

import pytest

from multimodal.serving.shown_values import short_text, shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ärger", '"Ärger"'),
        ("x" * 10**6, '"' + "x" * 59 + "…"),
        ([[1], {"a": 1}, {}], "[[…], {…}, {}]"),
        ([None, True, 1.5, "x"], "[null, true, 1.5, …]"),
        pytest.param(10**5_000, "a value of type int", id="long"),
        (b"x", "a value of type bytes"),
        ("\ud83d", '"?"'),
    ],
)
def test_values(value, expected):
    assert shown(value) == expected


def test_texts_are_whole_up_to_their_limit():
    assert short_text("abc", 3) == "abc"
    assert short_text("abcd", 3) == "abc…"
