import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.errors import DataError
from data_loaders.readers.tag_lists import read_tag_list


@pytest.mark.parametrize(
    "value, tags",
    [
        (["nyc", "#Food", None], ["nyc", "#Food"]),
        ([2022, "x"], ["2022", "x"]),
        ([{"text": "nyc", "indices": [0, 4]}], ["nyc"]),
        ('["nyc", "fo\\u00f6d"]', ["nyc", "foöd"]),
        ("['nyc', \"rock'n'roll\"]", ["nyc", "rock'n'roll"]),
        ("['nyc' 'food'\n 'x']", ["nyc", "food", "x"]),
        ("[nyc, food]", ["nyc", "food"]),
        ("[SundarC, khushsundar]", ["SundarC", "khushsundar"]),
        ("[true]", ["true"]),
        ("[NaN, 1e5]", ["NaN", "1e5"]),
        ("[2022]", ["2022"]),
        ("[null]", []),
        ('["nyc", null]', ["nyc"]),
        ("[]", []),
        ("", []),
        ("nyc food", ["nyc", "food"]),
        ("new york, food", ["new york", "food"]),
        ("new york|food, drink", ["new york", "food, drink"]),
        ("#nyc #food", ["nyc", "food"]),
        ("#nyc#food", ["nyc", "food"]),
        ("#nyc, ＃食", ["nyc", "食"]),
        ("nyc", ["nyc"]),
    ],
)
def test_spellings_of_a_list(value, tags):
    assert read_tag_list(value) == tags


@pytest.mark.parametrize("value", [5, {"nyc": 1}, True, [["nyc"]], [1.5], [True]])
def test_other_kinds_are_refused(value):
    with pytest.raises(DataError, match=r"hashtags .* Accepted: a list such as"):
        read_tag_list(value)


@given(st.lists(st.text(min_size=1)))
def test_json_and_python_lists_are_read_back(tags):
    assert read_tag_list(json.dumps(tags)) == tags


@given(st.text())
def test_any_text_gives_a_list_of_text(text):
    assert all(isinstance(tag, str) for tag in read_tag_list(text))
