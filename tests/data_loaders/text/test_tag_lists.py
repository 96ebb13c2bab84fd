import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from data_loaders.text.tag_lists import read_tag_list


@pytest.mark.parametrize(
    "value, tags",
    [
        (["nyc", "#Food", None], ["nyc", "#Food"]),
        ([2022, "x"], ["2022", "x"]),
        ([{"text": "nyc", "indices": [0, 4]}], ["nyc"]),
        ('["nyc", "fo\\u00f6d"]', ["nyc", "foöd"]),
        ("['nyc', \"rock'n'roll\"]", ["nyc", "rock'n'roll"]),
        ("['nyc' 'food'\n 'x']", ["nyc", "food", "x"]),
        ("[nyc, food]", ["nyc", "food"]),
        ("[SundarC, khushsundar]", ["SundarC", "khushsundar"]),
        ("[true]", ["true"]),
        ("[NaN, 1e5]", ["NaN", "1e5"]),
        ("[2022]", ["2022"]),
        ("[null]", []),
        ('["nyc", null]', ["nyc"]),
        ("[]", []),
        ("", []),
        ("nyc food", ["nyc", "food"]),
        ("new york, food", ["new york", "food"]),
        ("new york|food, drink", ["new york", "food, drink"]),
        ("#nyc #food", ["nyc", "food"]),
        ("#nyc#food", ["nyc", "food"]),
        ("#nyc, ＃食", ["nyc", "食"]),
        ("#new york, #food", ["new york", "food"]),
        ("#new york,", ["new york"]),
        ("#new york, food fair", ["new york", "food fair"]),
        ("# new york|＃food", ["new york", "food"]),
        ("#new york\n#food", ["new york", "food"]),
        ("#nyc #food, #sea", ["nyc", "food", "sea"]),
        ("#nyc #food, new york", ["nyc", "food", "new york"]),
        ("#nyc, #food|#new york", ["nyc", "food", "new york"]),
        ("low #tide, #sea", ["low", "tide", "sea"]),
        ("#new york", ["new", "york"]),
        ("nyc", ["nyc"]),
        ([{"start": 0, "end": 4, "tag": "fog"}], ["fog"]),
        ([{"name": "fog", "url": "https://m.example/tags/fog"}], ["fog"]),
        ("[{'text': 'fog', 'indices': [0, 6]}]", ["fog"]),
        ("[{'text': 'fog', 'indices': array([0, 6])}\n {'text': 'sea', 'indices': array([8, 9])}]", ["fog", "sea"]),
        ('{"text": "fog"}', ["fog"]),
        ([{"name": "#fog", "text": "fog"}], ["fog"]),
        (["#sun #beach"], ["sun", "beach"]),
        (["#sun#beach", "#sea"], ["sun", "beach", "#sea"]),
        (["#sun,\n＃beach"], ["sun", "beach"]),
        (["new york", "#new york", "C#"], ["new york", "#new york", "C#"]),
        ("['#sun #beach']", ["sun", "beach"]),
        ("set()", []),
        ("frozenset({'sun', \"rock'n'roll\"})", ["sun", "rock'n'roll"]),
        ("{'sun', 'beach'}", ["sun", "beach"]),
        ("('sun',)", ["sun"]),
        ("[u'sun', u'beach']", ["sun", "beach"]),
        ("array(['sun', 'beach'], dtype=object)", ["sun", "beach"]),
        ("array([], dtype='<U1')", []),
        ("[nan]", []),
        ("{nan}", []),
        ("[None, nan, <NA>]", []),
        ("['sun', nan, None]", ["sun"]),
        ("['sun' nan]", ["sun"]),
        (["sun", None, float("nan")], ["sun"]),
        ("[rock'n'roll, jazz]", ["rock'n'roll", "jazz"]),
        ("{sun,beach}", ["sun", "beach"]),
        ('{"new york",NULL,"NULL","a\\"b"}', ["new york", "NULL", 'a"b']),
        ("[0:1]={sun,beach}", ["sun", "beach"]),
        ("{}", []),
        ('"[\\"sun\\", \\"beach\\"]"', ["sun", "beach"]),
        (['["sun", "beach"]', '{"tag": "fog"}'], ["sun", "beach", "fog"]),
        ("caf%C3%A9", ["café"]),
        ("%23sun%20%23beach", ["sun", "beach"]),
        (["%2523sun", "100%"], ["sun", "100%"]),
        ("%5B%22sun%22%5D", ["sun"]),
        ([{"Text": "sun"}, {"hashtag_name": "sea", "user_id": ""}], ["sun", "sea"]),
        ("#rock&#39;n&#39;roll &amp; #caf&eacute;", ["rock'n'roll", "&", "café"]),
        (["caf&eacute;", "R&D;", "a&b"], ["café", "R&D;", "a&b"]),
        ("[&quot;sun&quot;, &quot;new york&quot;]", ["sun", "new york"]),
        ('["say &quot;hi&quot;"]', ['say "hi"']),
        (["https://www.instagram.com/explore/tags/sunset/", "#sea"], ["sunset", "#sea"]),
        ("https://twitter.com/hashtag/caf%C3%A9?src=hash https://m.example/tags/sea", ["café", "sea"]),
    ],
)
def test_spellings_of_a_list(value, tags):
    assert read_tag_list(value) == tags


@pytest.mark.parametrize("value", [5, {"nyc": 1}, True, [["nyc"]], [1.5], [True]])
def test_other_kinds_are_refused(value):
    with pytest.raises(DataError, match=r"hashtags .* Accepted: a list such as"):
        read_tag_list(value)


@pytest.mark.parametrize(
    "value, said",
    [
        ("['sun' 'beach', 'sea']", "looks like a list but is none"),
        ("['sun''beach']", "looks like a list but is none"),
        ("['sun', beach]", "looks like a list but is none"),
        ("['sun', 'bea", "a list without an end"),
        ("[sun]]", "looks like a list but is none"),
        ("{{a},{b}}", "looks like a list but is none"),
        ("{'nyc': 1}", "contains an object, {'nyc': 1}"),
        ("{a b}", "looks like a list but is none"),
        ("{sun,}", "looks like a list but is none"),
        ("Counter({'sun': 2})", "looks like a list but is none"),
        ("[b'sun']", "contains bytes, b'sun'"),
        ("['a' ... 'z']", "contains ellipsis"),
        ("['sun'] ['beach']", "contains a list, ['sun']"),
        ("[" * 50_000 + "]" * 50_000, "looks like a list but is none"),
        ("[" + "'\\" * 100_000 + "]", "looks like a list but is none"),
        ("['" + "a" * 300_000 + "', x]", "looks like a list but is none"),
        ("https://example.com/sunset", "it is an address"),
        (["https://example.com/#sunset"], "it is an address"),
        ("caf%C3", "percent-encoding is not UTF-8"),
        (json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(["sun"])))))), "lists in lists"),
        ([{"name": "sun", "text": "beach"}], "contains an object"),
        (["walk at the #beach #sea"], "with words between #hashtags"),
    ],
)
def test_what_is_not_understood_is_refused(value, said):
    with pytest.raises(DataError, match=f"hashtags .*{re.escape(said)}.* Accepted: a list such as"):
        read_tag_list(value)


# Brackets, quotes, signs, delimiters, escapes and percent signs can make an element more than a text.
@settings(deadline=None)
@given(
    st.lists(
        st.text(
            st.characters(exclude_characters='#＃%[{("<\\,;|、，；｜､\r\n\t', exclude_categories=["Cs"]), min_size=1
        )
    )
)
def test_json_and_python_lists_are_read_back(tags):
    assert read_tag_list(json.dumps(tags)) == tags
    assert read_tag_list(tags) == tags
    if tags and not any(character in tag for tag in tags for character in "]})\\"):
        assert read_tag_list(repr(tags)) == tags


@settings(deadline=None)
@given(st.text() | st.text("[]{}()'\"\\,:#% nau", max_size=30))
def test_any_text_gives_a_list_of_text_or_is_refused(text):
    try:
        assert all(isinstance(tag, str) for tag in read_tag_list(text))
    except DataError as refused:
        assert "Accepted: a list such as" in str(refused)  # noqa: PT017


@pytest.mark.parametrize(
    "value, tags",
    [
        (["sun,sea"], ["sun", "sea"]),
        (["sun; new york|x"], ["sun; new york", "x"]),
        (["sun\nsea", "new york"], ["sun", "sea", "new york"]),
        ("sun；sea", ["sun", "sea"]),
        ("sun｜new york", ["sun", "new york"]),
        (r"sun\nsea", ["sun", "sea"]),
        (r"#caf\u00e9 #sea", ["café", "sea"]),
        ([r"caf\u00e9"], ["café"]),
        ('c("sun", "sea")', ["sun", "sea"]),
        ("c('sun', NA)", ["sun"]),
        ("character(0)", []),
        ("u'sun'", ["sun"]),
        ("[sun, <NA>]", ["sun"]),
        ("I <3 sun", ["I", "<3", "sun"]),
        ("sun (sea)", ["sun", "(sea)"]),
        (["area(51)", "1.8", "R&D;", "dtype: x"], ["area(51)", "1.8", "R&D;", "dtype: x"]),
    ],
)
def test_several_in_one_element_escapes_and_vectors_of_r(value, tags):
    assert read_tag_list(value) == tags


@pytest.mark.parametrize(
    "value, why",
    [
        ("#NAME?", "it is a spreadsheet's error"),
        ("#DIV/0!", "it is a spreadsheet's error"),
        (["#REF!"], "it is a spreadsheet's error"),
        ("1.05E+18", "it is a number"),
        ("2.0", "it is a number"),
        ("[object Object]", "a program printed it"),
        ("System.String[]", "a program printed it"),
        ("WrappedArray(sun, sea)", "a program printed it"),
        ("Hashtag(name='sun')", "a program printed it"),
        ("defaultdict(<class 'int'>, {})", "it is HTML, or a program printed it"),
        ("0    sun\n1    sea\ndtype: object", "a program printed it"),
        ("<set: sun>", "it is HTML, or a program printed it"),
        ("<QuerySet [<Hashtag: sun>]>", "it is HTML, or a program printed it"),
        ("[<Hashtag: sun>]", "it is HTML, or a program printed it"),
        (['<a href="/tags/sun">#sun</a>'], "it is HTML, or a program printed it"),
        ("&lt;a&gt;sun&lt;/a&gt;", "it is HTML, or a program printed it"),
        (r"caf\xe9", "its escapes are not those of JSON"),
    ],
)
def test_what_a_program_printed_is_refused_and_not_guessed(value, why):
    with pytest.raises(DataError, match=rf"which is not understood \({re.escape(why)}\)\. Accepted: a list such as"):
        read_tag_list(value)
