"""Which words may be hashtags."""

from __future__ import annotations

import pytest

from multimodal.captions.sa_lstm.candidates import LabelledWords, candidates_of


def texts(caption, limit=30, longest=1):
    return [one.hashtag for one in candidates_of(caption, limit, longest)]


@pytest.mark.parametrize("caption", ["", "   ", "?!.", "2022", "😀", "…"])
def test_no_word_no_candidate(caption):
    assert candidates_of(caption, 30, 2) == []


def test_words_are_folded_as_hashtags_are():
    assert texts("Straße CAFÉ don't ＮＹＣ") == ["strasse", "café", "dont", "nyc"]


def test_words_are_joined_in_a_row_but_not_over_punctuation():
    assert texts("new york, city", longest=3) == ["new", "newyork", "york", "city"]


def test_a_number_joins_a_word_but_is_none():
    assert texts("covid 19", longest=2) == ["covid", "covid19"]


def test_what_is_behind_the_limit_is_not_looked_at():
    assert texts("one , two three", limit=3, longest=2) == ["one", "two"]


def test_ten_thousand_words():
    assert len(texts("word " * 10_000, longest=2)) == 2 * 30 - 1


def test_places_are_those_of_the_tokens():
    found = candidates_of("so , new york", 30, 2)
    assert [(one.hashtag, one.start, one.words) for one in found] == [
        ("so", 0, 1),
        ("new", 2, 1),
        ("newyork", 2, 2),
        ("york", 3, 1),
    ]


@pytest.fixture
def labelled():
    captions = ["the new york marathon", "", "to the sea"]
    return LabelledWords.of(captions, [("newyork", "run", "marathon"), ("run",), ("run", "coast")], 30, 2)


def test_labels_are_the_post_s_own_hashtags_among_its_words(labelled):
    marked = [one.hashtag for one, label in zip(labelled.candidates[0], labelled.labels(0), strict=True) if label]
    assert marked == ["newyork", "marathon"]
    assert labelled.labels(1) == []
    assert not any(labelled.labels(2))


def test_shares(labelled):
    assert labelled.reachable_share() == 2 / 6
    assert labelled.positive_share(1) == pytest.approx((1 + 0.5) / (7 + 1))
    assert labelled.positive_share(2) == pytest.approx((1 + 0.5) / (5 + 1))
    assert labelled.positive_share(3) == 0.5
    assert len(labelled.learnable()) == 2
