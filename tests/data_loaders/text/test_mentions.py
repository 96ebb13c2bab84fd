"""The people whom captions address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.captions import MAXIMUM_CHARACTERS, clean_caption
from data_loaders.text.hashtags import extract, remove_hashtags
from data_loaders.text.mentions import find_mentions

PIECES = ("@", "＠", "#", "＃", ".", " ", "ann", "Bob_1", "日本", "example.com", "http://t.co/", "\n", "é", "-", "/")
captions = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize(
    ("caption", "names"),
    [
        (None, ()),
        ("", ()),
        ("nobody @ home, 5@night", ()),
        ("@Ann, (@bob): .@ann and ＠ＡＮＮ", ("ann", "bob")),
        ("write to ann@example.com or cc:bob.b+x@example.co.uk", ()),
        ("@user#tag and #tag@other", ("user", "other")),
        ("thanks @nasa #nasa", ("nasa",)),
        ("@first.last. @under_score_ @9lives", ("first.last", "under_score_", "9lives")),
        ("boosted @Ann@Example.social!", ("ann@example.social",)),
        ("https://example.com/@ann and example.com/@bob", ()),
        ("見て@annさん", ("ann",)),
        ("@\u212aate", ("kate",)),
        (" " * MAXIMUM_CHARACTERS + "@ann", ()),
    ],
)
def test_names_in_order_without_repeats(caption, names):
    assert find_mentions(caption) == names


@given(captions)
def test_cleaning_removes_all_of_them(caption):
    assert find_mentions(clean_caption(caption)) == ()


@given(captions)
def test_a_hashtag_behind_a_name_is_no_name(caption):
    glued = "".join(f"#{tag}" for tag in extract(caption))
    assert find_mentions(f"@user{glued}") == ("user",)


@pytest.mark.parametrize("caption", ["@user#tag x", "#a@bob", "hi #x @ann,#y", "@ann @bob #c", "(@ann)#b"])
def test_a_caption_without_its_hashtags_addresses_the_same_people(caption):
    assert find_mentions(remove_hashtags(caption)) == find_mentions(caption) != ()
