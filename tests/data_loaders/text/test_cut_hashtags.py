import pytest

from data_loaders.text.cut_hashtags import without_cut
from data_loaders.text.hashtags import extract

LONG = "x" * 140


def ending(text: str, length: int = 140) -> str:
    return LONG[: length - len(text) - 1] + " " + text


@pytest.mark.parametrize(
    "text",
    [
        "RT @ann: low #tide at #sunse…",
        "  RT @ann: low #tide at #sunse… \n",
        ending("#tide #sunse…"),
        ending("#tide & #sunse…").replace("&", "&amp;"),
    ],
)
def test_the_last_hashtag_of_a_text_that_was_cut_is_left_out(text):
    assert without_cut(text, extract(text)) == ["tide"]


@pytest.mark.parametrize(
    "text",
    [
        "low #tide at #sunset…",
        "RT @ann: low #tide at #sunset...",
        "RT @ann: low #tide at #sunset …",
        "RT @ann: low #tide at #sunset… https://t.co/aBcDeFgHiJ",
        "RT @ann: low #tide at #sunset and so o…",
        "so true RT @ann: low #tide at #sunset…",
        ending("#tide #sunset…", 139),
        ending("#tide #sunset…", 141),
        ending("#tide #sunset..."),
    ],
)
def test_others_are_whole(text):
    assert without_cut(text, extract(text)) == ["tide", "sunset"]


def test_the_same_hashtag_before_counts():
    text = "RT @ann: #tide and #tide…"
    assert without_cut(text, extract(text)) == ["tide"]


def test_a_text_without_hashtags():
    assert without_cut("RT @ann: …", []) == []
