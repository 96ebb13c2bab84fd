"""Lemmas: the rules around the dictionary with one made up here, and simplemma itself where it is installed."""

import sys
from types import SimpleNamespace

import pytest

from data_loaders.errors import ConfigError
from data_loaders.text import lemmas
from data_loaders.text.captions import clean_caption
from data_loaders.text.lemmas import lemmatise

LEMMAS = {
    "tides": "tide",
    "featuring": "featured",
    "featured": "feature",
    "i": "I",
    "lay": "lie",
    "lie": "lay",
    "laid": "lay",
    "emails": "e-mail",
    "wwwx": "www",
    **{f"w{'x' * n}": f"w{'x' * (n + 1)}" for n in range(2, 40)},
}


@pytest.fixture(autouse=True)
def _fresh():
    """Lemmas are remembered; each test starts without."""
    lemmas.lemma.cache_clear()
    lemmas._dictionary.cache_clear()
    yield
    lemmas.lemma.cache_clear()
    lemmas._dictionary.cache_clear()


@pytest.fixture
def dictionary(monkeypatch):
    asked = []

    def lemmatize(word, lang):
        assert lang == "en"
        asked.append(word)
        return LEMMAS.get(word, word)

    monkeypatch.setitem(sys.modules, "simplemma", SimpleNamespace(lemmatize=lemmatize))
    return asked


@pytest.mark.parametrize(
    "text, lemmatised",
    [
        ("", ""),
        ("the tides, at dusk", "the tide, at dusk"),
        ("featuring tides", "feature tide"),
        ("i", "i"),
        ("lay lie laid", "lay lay lay"),
        ("emails", "emails"),
        ("wxx", "wxx"),
        ("tides2 tidesé 2tides _tides", "tides2 tidesé 2tides _tides"),
        ("приливы tides", "приливы tide"),
    ],
)
def test_chains_circles_and_what_is_no_english_word(dictionary, text, lemmatised):
    assert lemmatise(text) == lemmatised
    assert lemmatise(lemmatised) == lemmatised


def test_every_word_is_looked_up_once(dictionary):
    lemmatise("tides " * 100)
    assert dictionary == ["tides", "tide"]


def test_very_long_words_are_left(dictionary):
    assert lemmatise("a" * 5_000) == "a" * 5_000
    assert dictionary == []


def test_the_profile_is_idempotent_where_a_lemma_uncovers_an_address(dictionary):
    once = clean_caption("Tides! wwwx.sea and more", "tweet_lemmas")
    assert once == "tide! and more"
    assert clean_caption(once, "tweet_lemmas") == once


def test_without_simplemma_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "simplemma", None)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"not installed. Install it with pip install 'simplemma>=2"):
            clean_caption("low tides", "tweet_lemmas")
    assert clean_caption("Low tides", "tweet") == "low tides"


def test_simplemma_itself():
    pytest.importorskip("simplemma")
    text = "Celebrate with a panel featuring female leaders and allies; the mice were running https://t.co/x #stem"
    cleaned = "celebrate with a panel feature female leader and ally; the mouse be run"
    assert clean_caption(text, "tweet_lemmas") == cleaned
    assert clean_caption(cleaned, "tweet_lemmas") == cleaned


def test_simplemma_has_no_english_word_that_changes_twice():
    pytest.importorskip("simplemma")
    words = ["the", "us", "me", "i", "better", "left", "found", "saw", "lay", "data", "news", "does", "has", "los"]
    once = [lemmatise(word) for word in words]
    assert [lemmatise(word) for word in once] == once
