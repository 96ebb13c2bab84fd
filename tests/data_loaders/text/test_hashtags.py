import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.hashtags import (
    canonical_list,
    extract,
    find_hashtags,
    find_listed,
    normalise,
    remove_hashtags,
    split_words,
)

# Texts thick with the characters that decide where a hashtag starts and ends.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="#＃@&;/.:1_aÉ日 \u200c\u200d\ufe0f\u20e3\u0301\n·・〜״İ\u0307", max_size=40),
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
        ("#il·lusió #スター・ウォーズ #メ〜テレ #メ～テレ", ["il·lusió", "スター・ウォーズ", "メ〜テレ", "メ～テレ"]),
        ("#צה״ל #וכו׳ #עַל־יְדֵי", ["צה״ל", "וכו׳", "עַל־יְדֵי"]),
        ("#各〃 #བོད་སྐད་ #・東京", ["各〃", "བོད་སྐད་", "・東京"]),
        ("#tea· #sea〜 #海・#夏", ["tea", "sea", "海", "夏"]),
        ("#İstanbul ＃İZMİR", ["İstanbul", "İZMİR"]),
        ("http://t.co/x。#猫 http://t.co/x #猫", ["猫", "猫"]),
        ("rock &amp; #roll &lt;#b", ["roll", "b"]),
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
        "https://пример.рф/#раздел",
        "http://münchen.example/#termine",
        "https://example.org/日本/#歴史",
        "https://ja.example.org/wiki/スター・ウォーズ#概要",
        "https://ca.example.org/wiki/Col·lecció#Història",
        "http://foobar.みんな/#a",
        "пример.рф/#раздел",
        "münchen.example/#termine",
        "日本語.jp/#歴史",
        "中国語example.com/#a",
        "xn--e1afmkfd.xn--p1ai/#a",
        "www.пример.рф/#a",
        "example.com:8080/#a",
        "#https://example.com",
        "it&amp;#x27;s",
        "it&amp;amp;#x27;s",
        "#· #〜 #״ #〃",
        "行った#海",
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
        ("İstanbul", "istanbul"),
        ("I\u0307Z", "iz"),
        ("j\u0307", "j"),
        ("ż", "ż"),
        ("i\u0323\u0307", "ị"),
        ("il·lusió", "illusió"),
        ("スター・ウォーズ", "スターウォーズ"),
        ("צה״ל", "צהל"),
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


@pytest.mark.parametrize(
    "text, listed, left",
    [
        ("vibes#sunset and more", ["Sunset"], "vibes and more"),
        ("行った#海 #夏", ["海"], "行った"),
        ("thanks @bob#party", ["party"], "thanks @bob"),
        ("2024#goals set", ["#goals"], "2024 set"),
        ("look #\u200bocean", ["ocean"], "look"),
        ("vibes#sun\u200bset now", ["sunset"], "vibes now"),
        ("x #love❤️life", ["love❤️life"], "x"),
        ("vibes#ＳＵＮ, x#İSTANBUL", ["sun", "istanbul"], "vibes , x"),
        ("a&#35;sun b&#x23;sun c&num;sun ﹟sun", ["sun"], "a b c"),
        ("x#caf&eacute; x", ["café"], "x x"),
        ("v#sun&amp;more", ["sun"], "v &amp;more"),
        ("#new york city", ["new york"], "city"),
        ("https://x.example/#sun and on", ["sun"], "https://x.example/ and on"),
        ("vibes#sun#beach", ["sun"], "vibes"),
        ("vibes#sunsets stay", ["sunset"], "vibes#sunsets stay"),
        ("sunset without a sign, # sunset", ["sunset"], "sunset without a sign,"),
        ("we code C# sunset and 5# sun", ["sunset", "sun"], "we code C# sunset and 5# sun"),
        ("low #\u00a0\tsunset at last", ["sunset"], "low at last"),
        ("low #\nsunset\nat last", ["sunset"], "low\nat last"),
        ("(# sunset) # sunsets", ["sunset"], "( ) # sunsets"),
        ("＃ sunset, &#35; sunset", ["sunset"], ","),
        ("# # #a a a", ["a"], "a"),
        ("x# #a a", ["a"], "x# a"),
        ("# #b sunset", ["sunset"], ""),
        ("vibes %23sunset %23Sunsets", ["sunset"], "vibes %23Sunsets"),
        ("%2523sunset x%23sunset %EF%BC%83SUNSET end", ["sunset"], "x end"),
        ("%23caf%C3%A9 %23new%20york on", ["café", "new york"], "on"),
        ("see https://x.example/?q=%23sunset&src=typed now", ["sunset"], "see now"),
        (
            "see https://x.example/?q=%23sunsets&src=typed now",
            ["sunset"],
            "see https://x.example/?q=%23sunsets&src=typed now",
        ),
        ('<a class="hashtag">#<span>sunset</span></a> now', ["sunset"], '<a class="hashtag"> </span></a> now'),
        ("#&lt;span&gt;sunset #&lt;sunset", ["sunset"], ""),
        ('by #<a href="#">sunset</a> #<a href="/%23sunset">sunset</a>', ["sunset"], "by </a> </a>"),
        ('#&lt;a href="#sunset"&gt;sunset, #<b title="#"> #sunset', ["sunset"], ', #<b title="#">'),
        ("#'sunset' #\"sea\" #[fog]", ["sunset", "sea", "fog"], "' \" ]"),
        ("**#**sunset, \\#sunset, # «sunset»", ["sunset"], "** , \\ , »"),
        ("♯sunset ♯sunsets C♯ sunset", ["sunset"], "♯sunsets C♯ sunset"),
        ("C# (sunset) #) sunset #- sunset", ["sunset"], "C# (sunset) #) sunset #- sunset"),
        ("it&#x27;s", ["x27"], "it&#x27;s"),
        ("no hashtag  at all", ["sun"], "no hashtag  at all"),
        ("a#b", ["2022"], "a#b"),
    ],
)
def test_listed_hashtags_are_removed_wherever_a_sign_is_before_them(text, listed, left):
    assert remove_hashtags(text, listed) == left


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


SIGNED = st.lists(
    st.sampled_from(
        [
            "#",
            "＃",
            "&#35;",
            "%23",
            "a",
            "bc",
            "#a",
            "#bc",
            "日",
            " ",
            "\n",
            "\u200b",
            ".",
            "x.y/#a",
            "&#39;",
            "♯",
            "(",
            "<b>",
            "**",
        ]
    ),
    max_size=10,
).map("".join)


@given(SIGNED, st.lists(st.sampled_from(["a", "bc", "a bc", "日", "abc"]), max_size=3))
def test_what_is_listed_with_a_sign_is_removed_be_it_apart_or_not(text, listed):
    rest = remove_hashtags(text, listed)
    assert extract(rest) == find_listed(rest, listed) == []


@given(
    st.lists(st.sampled_from(["#a", "#bc", "＃日", "a", "bc", "日"])), st.lists(st.sampled_from(["a", "bc", "日", "d"]))
)
def test_listing_hashtags_that_stand_apart_changes_nothing(words, listed):
    text = " ".join(words)
    assert (
        remove_hashtags(text, listed)
        == remove_hashtags(text)
        == " ".join(word for word in words if word[0] not in "#＃")
    )


@given(TEXTS)
def test_what_is_found_has_a_canonical_form(text):
    for found in find_hashtags(text):
        assert text[found.start] in "#＃"
        assert text[found.start + 1 : found.end].startswith(found.surface)
        assert normalise(found.surface)


@given(st.text() | st.text("iİIjJ\u0307\u0323\u0301\u00ad-ıị゛か", max_size=8))
def test_canonical_form_is_final_and_can_be_read_back(text):
    canonical = normalise(text)
    assert normalise(canonical) == canonical
    assert normalise("#" + text) == canonical
    assert extract("#" + canonical) == ([canonical] if canonical else [])


@given(st.text())
def test_words_hold_the_hashtag(text):
    assert "".join("".join(split_words(text)).split()) == "".join(text.strip().lstrip("#＃").replace("_", "").split())
