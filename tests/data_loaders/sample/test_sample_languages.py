"""The words of every language: complete, distinct, and silent where they should be."""

import pytest

from data_loaders.sample import TOPICS
from data_loaders.sample.languages import LANGUAGES

EVERY = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)


@EVERY
def test_every_topic_has_several_words(language):
    assert set(language.words) == {topic.name for topic in TOPICS}
    words = [word for topic in language.words.values() for word in topic]
    assert min(map(len, language.words.values())) >= 2
    assert all(words)
    assert len({word.casefold() for word in words}) == len(words)


@EVERY
def test_sentences_have_a_place_for_the_word_or_tell_nothing(language):
    assert all(frame.count("{word}") == 1 for frame in language.about)
    assert len(language.about) >= 3
    assert len(language.fillers) >= 8
    assert len(language.shorts) >= 4
    for text in (*language.fillers, *language.shorts):
        assert not [word for words in language.words.values() for word in words if word.casefold() in text.casefold()]


def test_language_codes_and_shares():
    assert len({language.code for language in LANGUAGES}) == len(LANGUAGES) == 11
    assert sum(language.share for language in LANGUAGES) == pytest.approx(1.0)
    assert {language.script for language in LANGUAGES} == {"latin", "cyrillic", "devanagari", "arabic", "han", "kana"}
