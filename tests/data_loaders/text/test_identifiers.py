"""The same id, written by different programs, is one."""

import pytest

from data_loaders.text.identifiers import plain_identifier


@pytest.mark.parametrize(
    "text, plain",
    [
        ('="77"', "77"),
        ('= "77"', '= "77"'),
        ('="0077"', "0077"),
        ('="77.0"', "77"),
        ('=""', ""),
        ("'1050118621198921728", "1050118621198921728"),
        ("'tis", "'tis"),
        ("'77'", "'77'"),
        ("77.00", "77"),
        ("77.5", "77.5"),
    ],
)
def test_ids_that_are_guarded_against_spreadsheets(text, plain):
    assert plain_identifier(text) == plain


@pytest.mark.parametrize("text", ["\ufeffann", " \u200b\u200e ann\u2060\u00a0", "ann\u200f\n"])
def test_what_is_not_seen_around_an_id_is_no_part_of_it(text):
    assert plain_identifier(text) == "ann"


def test_what_stands_inside_of_an_id_stays():
    assert plain_identifier("a\u200bb") == "a\u200bb"
    assert plain_identifier("\ufeff") == ""


@pytest.mark.parametrize("unseen", ["\u200d", " ", "\u2003\ufeff"])
def test_a_million_unseen_characters_are_passed_once(unseen):
    text = "é" + unseen * 1_000_000 + "b"
    assert plain_identifier(text) == text
    assert plain_identifier(unseen * 1_000_000 + "é" + unseen * 1_000_000) == "é"


def test_flags_that_end_an_id_stay():
    scotland, wales = (
        "ann\U0001f3f4" + "".join(chr(0xE0000 + ord(one)) for one in tag) for tag in ("gbsct\x7f", "gbwls\x7f")
    )
    assert plain_identifier(f"{scotland}\u200b ") == scotland
    assert plain_identifier(wales) == wales
