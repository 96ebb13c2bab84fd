import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.errors import ConfigError
from data_loaders.text.captions import (
    LEAK_WARNING,
    MAXIMUM_CHARACTERS,
    clean_caption,
    leaks,
    list_profiles,
    register_profile,
)
from data_loaders.text.hashtags import extract

TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="#＃@&;./:'’ \u200c\u200d\ufe0f\u20e3\u0301\u0338abWw1_-<>\x00\u200bé日\ud800\ufffd", max_size=40),
    st.lists(
        st.sampled_from(
            [
                "#海",
                "#话题#",
                "正文",
                "日.jp/",
                "пример.рф/#",
                "·",
                "#tag",
                "http://",
                "www.",
                "a.b/",
                "@u",
                "&#39;",
                "&amp;",
                "&lt;",
                "#1",
                "x@y.zz",
                "❤️",
                " ",
                "_",
            ]
        )
    ).map("".join),
)
PROFILES = st.sampled_from(["plain", "tweet", "tweet_inline_words"])


@pytest.mark.parametrize(
    "caption, cleaned",
    [
        (None, ""),
        ("", ""),
        (" \n ", ""),
        ("Low tide  at dusk\n#beach #goldenhour", "Low tide at dusk"),
        ("my #cat sleeps", "my sleeps"),
        ("by @ann.b and @bob@social.example, see https://t.co/x#y", "by and , see"),
        ("mail ann.b+c@example.co.uk now", "mail now"),
        ("@ann#tag", ""),
        ("see example.com/#about or www.example.com", "see or"),
        ("and/or node.js C# a#b #1", "and/or node.js C# a#b #1"),
        ("写真http://t.co/x。＃猫", "写真 。"),
        ("read https://example.org/日本/#歴史 now", "read now"),
        ("see http://münchen.example/#termine or пример.рф/#раздел", "see or"),
        ("見てhttps://t.co/aB1見た (http://t.co/x)を", "見て 見た ( を"),
        ("中国語example.com/path한국", "中国語 한국"),
        ("и/или т.д./т.п. node.js/x", "и/или т.д./т.п."),
        ("a\x00b\ud83dc\u200bd", "a b c d"),
        ("foo\u200f#tag bar", "foo bar"),
        ("cafe\u0301", "café"),
        ("می\u200cخواهم 👩\u200d👧", "می\u200cخواهم 👩\u200d👧"),
    ],
)
def test_plain(caption, cleaned):
    assert clean_caption(caption) == cleaned


@pytest.mark.parametrize(
    "caption, cleaned",
    [
        ("Don&#39;t <b>STOP</b>, me! 🌅 (now)", "dont stop , me! now"),
        ("I <3 you &amp; me", "i 3 you me"),
        ("it&#35;s 5️⃣ o'clock", "it s oclock"),
        ("Keep 1: a, b; c? d. #gone", "keep 1: a, b; c? d."),
        ("日本語、です", "日本語 です"),
    ],
)
def test_tweet(caption, cleaned):
    assert clean_caption(caption, "tweet") == cleaned


@pytest.mark.parametrize(
    "caption, cleaned",
    [
        ("Built the #BananaGun today. #VR &amp; #fun https://t.co/x @bob 🎉", "built the bananagun today."),
        ("#Metaverse: who joins?", "metaverse: who joins?"),
        ("the #low_tide &lt;b&gt;now&lt;/b&gt; #a<br>", "the low tide now"),
        ("foo\u200f#tag bar", "foo tag bar"),
        ("#sea #sky", ""),
    ],
)
def test_tweet_with_inline_words_leaks_what_is_inside_and_not_what_is_at_the_end(caption, cleaned):
    assert clean_caption(caption, "tweet_inline_words") == cleaned


def test_what_leaks_says_so():
    assert [name for name in list_profiles() if leaks(name)] == ["tweet_inline_words"]
    assert "PROFILE 'tweet_inline_words' LEAKS" in LEAK_WARNING.format(profile="tweet_inline_words")
    with pytest.raises(ConfigError, match="unknown caption profile 'tweets'"):
        leaks("tweets")


@given(TEXTS)
def test_without_hashtags_inline_words_change_nothing(text):
    text = text.replace("#", "").replace("＃", "").replace("&", "")
    assert clean_caption(text, "tweet_inline_words") == clean_caption(text, "tweet")


def test_long_captions_are_cut_before_the_work():
    assert clean_caption("a" * 100_000) == "a" * MAXIMUM_CHARACTERS
    assert clean_caption("#a" * 50_000) == ""
    assert clean_caption("#a" * 50_000, "tweet_inline_words") == ""
    assert clean_caption("x" + " #a" * 50_000, "tweet_inline_words") == "x"


def test_profiles_are_listed_and_names_checked():
    assert list_profiles() == ["plain", "tweet", "tweet_inline_words", "tweet_lemmas"]
    with pytest.raises(
        ConfigError, match=r"unknown caption profile 'plane'. Did you mean 'plain'\? Known: plain, tweet, tweet_in"
    ):
        clean_caption("x", "plane")
    with pytest.raises(ConfigError, match="the caption profile 'plain' is already registered; choose another name"):
        register_profile("plain")(str.strip)


@given(TEXTS, PROFILES)
def test_cleaning_twice_changes_nothing(text, profile):
    once = clean_caption(text, profile)
    assert clean_caption(once, profile) == once


@given(TEXTS, PROFILES)
def test_no_hashtag_survives(text, profile):
    assert extract(clean_caption(text, profile)) == []


@given(TEXTS, PROFILES)
def test_cleaned_text_is_well_formed(text, profile):
    cleaned = clean_caption(text, profile)
    cleaned.encode("utf-8")
    assert unicodedata.is_normalized("NFC", cleaned)
    assert " ".join(cleaned.split()) == cleaned
    assert not any(unicodedata.category(character) == "Cc" for character in cleaned)
