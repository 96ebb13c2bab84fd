import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from data_loaders.text.hashtags import normalise
from data_loaders.text.plain_hashtags import plain_hashtags


@pytest.mark.parametrize("hashtag", ["beach", "日本", "हिन्दी", "தமிழ்", "straße", "thethe"])
def test_words_of_any_script_stay(hashtag):
    assert plain_hashtags((hashtag,), (hashtag.upper(),)) == ((hashtag,), (hashtag.upper(),))


@pytest.mark.parametrize("hashtag", ["covid19", "low_tide", "2022a", "the", "and", "_"])
def test_digits_underscores_and_stop_words_go(hashtag):
    assert plain_hashtags((hashtag, "sea"), ("X", "Sea")) == (("sea",), ("Sea",))


# Unassigned characters may be letters for one Unicode version and not for another.
@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cn", "Cs")), min_size=1, max_size=6).map(normalise).filter(bool),
        unique=True,
    )
)
def test_against_a_slow_loop(hashtags):
    kept, surfaces = plain_hashtags(hashtags, [f"#{hashtag}" for hashtag in hashtags])
    for hashtag in hashtags:
        letters = all(character.isalpha() or (not character.isalnum() and character != "_") for character in hashtag)
        assert (hashtag in kept) == (letters and hashtag not in ENGLISH_STOP_WORDS)
    assert surfaces == tuple(f"#{hashtag}" for hashtag in kept)
