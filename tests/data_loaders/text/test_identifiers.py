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
