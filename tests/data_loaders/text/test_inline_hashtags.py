import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.hashtags import extract, remove_hashtags
from data_loaders.text.inline_hashtags import keep_inline_words

PIECES = st.sampled_from(
    [
        "#tag",
        "#Tag_2",
        "＃空",
        "word",
        "5",
        "https://t.co/x",
        "@ann",
        "a@b.cd",
        "🎉",
        "&amp;",
        "!",
        " ",
        " ",
        "\n",
        "'s",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=40))


@pytest.mark.parametrize(
    "text, kept",
    [
        ("", ""),
        ("no hashtag  here\n", "no hashtag  here\n"),
        ("My #cat sleeps", "My cat sleeps"),
        ("My #cat sleeps #pets #caturday", "My cat sleeps"),
        ("#cat", ""),
        ("#cat #pets", ""),
        ("#Cats are nice", "Cats are nice"),
        ("Built #BananaGun. Now the #Metaverse!", "Built BananaGun. Now the !"),
        ("Sunset #sea https://t.co/x", "Sunset https://t.co/x"),
        ("Sunset #sea https://t.co/x tonight", "Sunset sea https://t.co/x tonight"),
        ("Sunset #sea @ann 🎉 !!", "Sunset @ann 🎉 !!"),
        ("Rain #a &amp; #b", "Rain &amp;"),
        ("Rain #a #b 2/3", "Rain a b 2/3"),
        ("so #a#b then", "so a b then"),
        ("(#tag) it", "( tag) it"),
        ("#tag's colour", "tag's colour"),
        ("今日は ＃空 が青い", "今日は 空 が青い"),
        ("one #two \n three\n#four", "one two\nthree"),
        ("see example.com/#about c#d", "see example.com/#about c#d"),
    ],
)
def test_by_hand(text, kept):
    assert keep_inline_words(text) == kept


@given(TEXTS)
def test_what_is_left_holds_no_more_than_words_and_no_less_than_without_hashtags(text):
    kept = keep_inline_words(text)
    if extract(text):
        marked = text.count("#") + text.count("＃")
        assert kept.count("#") + kept.count("＃") < marked
        surfaces = "".join(extract(text))
        assert len("".join(kept.split())) <= len("".join(remove_hashtags(text).split())) + len(surfaces)
    else:
        assert kept == text


@given(st.lists(st.sampled_from(["#one", "#two", "three", "four", "https://t.co/x", "@ann"]), max_size=8))
def test_against_a_slow_loop_over_words(words):
    plain = [place for place, word in enumerate(words) if word in ("three", "four")]
    last = plain[-1] if plain else -1
    expected = [word.removeprefix("#") for place, word in enumerate(words) if not word.startswith("#") or place < last]
    assert keep_inline_words(" ".join(words)).split() == expected
