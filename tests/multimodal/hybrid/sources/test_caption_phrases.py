"""Which words of a caption may be hashtags."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.text.hashtags import normalise
from multimodal.hybrid.sources.phrases import phrases_of


def found(caption, *known):
    return {one.text: one for one in phrases_of(caption, known.__contains__)}


def test_single_words_and_pairs_in_the_beginning_whatever_is_known():
    phrases = found("Open data, again")
    assert set(phrases) == {"open", "data", "again", "opendata", "dataagain"}
    assert (phrases["open"].capital, phrases["open"].place, phrases["again"].capital) == (True, 0.0, False)
    assert (phrases["opendata"].term, phrases["opendata"].words) == ("open data", 2)
    assert all(one.may_be_new for one in phrases.values())


def test_longer_ones_and_later_pairs_only_if_they_are_known():
    words = "one two three four five six seven eight nine ten eleven twelve green energy now"
    assert "greenenergy" not in found(words)
    known = found(words, "greenenergy", "onetwothreefour")
    assert not known["greenenergy"].may_be_new
    assert not known["onetwothreefour"].may_be_new


def test_what_may_be_new_does_not_depend_on_what_is_known():
    words = "data base and database, then cat and cats " + "and so on " * 5 + "data base"
    without = {text: one for text, one in found(words).items() if one.may_be_new}
    known = found(words, "database", "database", "cats", "dat", "basess", "andso", "soon")
    assert {text: one for text, one in known.items() if one.may_be_new} == without
    assert without["data"].count == 2


def test_another_number_of_a_word_is_a_variant():
    phrases = found("the cat", "cats", "th")
    assert (phrases["cats"].variant, phrases["cats"].term) == (True, "cat")
    assert "th" not in phrases


def test_a_caption_without_words_has_nothing():
    assert phrases_of("!?", lambda _: True) == []


def test_variation_selectors_are_dropped_as_in_every_hashtag():
    assert [one.text for one in phrases_of("Muffins\ufe0f", lambda text: False)] == ["muffins"]


class TestWordsWithoutSpaces:
    def test_known_hashtags_inside_and_likely_words_are_found(self):
        phrases = found("京都駅でラーメンを食べた。また明日", "京都", "食べた", "また")
        words = {"京都駅でラーメンを食べた", "また明日", "京都駅でラーメンを食べたまた明日"}
        assert set(phrases) == words | {"京都駅", "ラーメン", "明日"} | {"京都", "食べた", "また"}
        assert {text for text, one in phrases.items() if not one.may_be_new} == {"京都", "食べた", "また"}
        assert (phrases["京都"].term, phrases["京都"].place, phrases["京都"].title) == ("京都", 0.0, True)
        assert not phrases["また"].title

    def test_what_is_known_does_not_change_what_may_be_new(self):
        caption = "東京タワーと東京駅、京都 タワー"
        parts = ("東京", "東京タワー", "京タ", "京都タワー", "タワ", "タワーと", "駅")
        new = {text: one for text, one in found(caption).items() if one.may_be_new}
        assert {text: one for text, one in found(caption, *parts).items() if one.may_be_new} == new
        assert new["タワー"].count == 2

    def test_each_time_that_a_known_part_stands_there_counts(self):
        assert found("東京湾から東京港へ", "東京")["東京"].count == 2


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_every_text_is_the_canonical_form_of_a_hashtag(caption):
    assert all(normalise(one.text) == one.text for one in phrases_of(caption, lambda text: False))
