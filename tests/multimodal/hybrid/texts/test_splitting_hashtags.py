"""Hashtags as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.hybrid.texts import splitting
from multimodal.hybrid.texts.splitting import WordSplitter

SPLITTER = WordSplitter(["the", "a", "green", "hills", "hill", "in", "rain", "s", "ever", "green hills"])


@pytest.mark.parametrize(
    ("hashtag", "words"),
    [
        ("greenhills", "green hills"),
        ("rain_in_thehills", "rain in the hills"),
        ("evergreen", "ever green"),
        ("zoltan", "zoltan"),
        ("greenzoltan", "green zoltan"),
        ("___", ""),
        ("日本", "日本"),
    ],
)
def test_words_of_a_hashtag(hashtag, words):
    assert SPLITTER.split(hashtag) == words


@given(st.text("abcdefghilnrst_日😀", max_size=60))
def test_nothing_is_lost_and_nothing_added(hashtag):
    assert SPLITTER.split(hashtag).replace(" ", "") == hashtag.replace("_", "")


def test_a_long_hashtag_of_no_words_is_cut():
    pieces = WordSplitter([]).split("z" * 50).split()
    assert "".join(pieces) == "z" * 50
    assert max(map(len, pieces)) == 20


def test_words_are_those_of_three_captions_the_most_frequent_first(monkeypatch):
    captions = ["The sea, the SEA!", "sea and sky", "The sky. 3 sails", "the sea's rim sky", "rim"]
    assert WordSplitter.of_captions(captions).words == ("sky", "the")
    monkeypatch.setattr(splitting, "_FEWEST_CAPTIONS", 2)
    monkeypatch.setattr(splitting, "MOST_WORDS", 3)
    assert WordSplitter.of_captions(captions).words == ("sky", "the", "rim")
