import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.hashtags import canonical_list, extract, find_hashtags, normalise, remove_hashtags, split_words

# Texts thick with the characters that decide where a hashtag starts and ends.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="#＃@&;/.:1_aÉ日 \u200c\u200d\ufe0f\u20e3\u0301\n", max_size=40),
    st.lists(st.sampled_from(["#tag", "#a", "c#d", "http://x.y/#f", "&#39;", "🌅", "❤️", "1️⃣", " ", "@u", "#1"])).map(
        "".join
    ),
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("#sunset at the #beach", ["sunset", "beach"]),
        ("🌅#sunset🌊", ["sunset"]),
        ("❤️#love", ["love"]),
        ("1️⃣#first", ["first"]),
        ("#a#b#c", ["a", "b", "c"]),
        ("＃日本語 #東京", ["日本語", "東京"]),
        ("#हिन्दी #தமிழ் #ไทย", ["हिन्दी", "தமிழ்", "ไทย"]),
        ("#می\u200cخواهم", ["می\u200cخواهم"]),
        ("#love\u200d👩", ["love"]),
        ("#cafe\u0301s", ["cafe\u0301s"]),
        ("(#tag), #tag.", ["tag", "tag"]),
        ("##double #snake_case #4k", ["double", "snake_case", "4k"]),
        ("#don't", ["don"]),
        ("go to http://x.y/z #tag", ["tag"]),
    ],
)
def test_hashtags_of_every_script_are_found(text, expected):
    assert extract(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no tags",
        "#",
        "# spaced",
        "#2022",
        "#1",
        "#_",
        "#1_2",
        "#️⃣",
        "#1️⃣ fan",
        "it&#39;s",
        "it&#x27;s",
        "C# and F#",
        "word#inside",
        "日本#語",
        "http://x.y/#frag",
        "https://x.y/a?b=c#frag",
        "example.com/#about",
        "www.example.com/#about",
    ],
)
def test_what_looks_like_a_hashtag_and_is_none(text):
    assert extract(text) == []


def test_places_cover_sign_and_surface():
    text = "x #a#b"
    assert [(found.surface, text[found.start : found.end]) for found in find_hashtags(text)] == [
        ("a", "#a"),
        ("b", "#b"),
    ]


@pytest.mark.parametrize(
    "hashtag, canonical",
    [
        ("#NYC", "nyc"),
        ("＃ＮＹＣ", "nyc"),
        ("##Food", "food"),
        ("Straße", "strasse"),
        ("CAFE\u0301", "café"),
        ("user-centered design", "usercentereddesign"),
        ("می\u200cخواهم", "میخواهم"),
        ("葛\U000e0100", "葛"),
        ("ﬁt", "fit"),
        ("2022", ""),
        ("🌅", ""),
        ("#", ""),
        ("", ""),
    ],
)
def test_canonical_forms(hashtag, canonical):
    assert normalise(hashtag) == canonical


def test_removal_wherever_a_hashtag_stands():
    assert remove_hashtags("#a my #cat so much\n#b #c\nend #d") == "my so much\n\nend"
    assert remove_hashtags("a#b  stays  as it is") == "a#b  stays  as it is"


def test_list_keeps_order_and_first_surface():
    assert canonical_list(["#NYC", "nyc", "2022", "Food", "ＦＯＯＤ"]) == (("nyc", "food"), ("NYC", "Food"))
    assert canonical_list([]) == ((), ())


@pytest.mark.parametrize(
    "surface, words",
    [
        ("ThrowbackThursday", ["Throwback", "Thursday"]),
        ("#NASAImages2022", ["NASA", "Images", "2022"]),
        ("snake_case", ["snake", "case"]),
        ("covid19", ["covid", "19"]),
        ("4kVideo", ["4", "k", "Video"]),
        ("東京Tower", ["東京", "Tower"]),
        ("ÉcoleDÉté", ["École", "D", "Été"]),
        ("nyc", ["nyc"]),
    ],
)
def test_words_of_a_hashtag(surface, words):
    assert split_words(surface) == words


@given(TEXTS)
def test_nothing_is_found_where_all_was_removed(text):
    assert extract(remove_hashtags(text)) == []


@given(TEXTS)
def test_what_is_found_has_a_canonical_form(text):
    for found in find_hashtags(text):
        assert text[found.start] in "#＃"
        assert text[found.start + 1 : found.end] == found.surface
        assert normalise(found.surface)


@given(st.text())
def test_canonical_form_is_final_and_can_be_read_back(text):
    canonical = normalise(text)
    assert normalise(canonical) == canonical
    assert normalise("#" + text) == canonical
    assert extract("#" + canonical) == ([canonical] if canonical else [])


@given(st.text())
def test_words_hold_the_hashtag(text):
    assert "".join("".join(split_words(text)).split()) == "".join(text.strip().lstrip("#＃").replace("_", "").split())
