"""Which encoding text that is not UTF-8 seems to have: short texts of many languages, and what users are told."""

import pytest

from data_loaders.readers import open_dump
from data_loaders.readers.base import ReaderOptions
from data_loaders.readers.likely_encodings import LikelyEncodings, likely_encodings, suggestion
from data_loaders.readers.summary import summarise

WESTERN = [
    "Größe",
    "“quoted” naïve",
    "Café à Paris",
    "CAFÉ",
    "don’t stop",
    "l’été",
    "où",
    "là",
    "à",
    "Él",
    "¿Qué?",
    "¡Él!",
    "20 °C",
    "5 €",
    "«très bien»",
    "yes — really…",
    "Ö",
    "São Paulo",
    "NIÑO feliz",
    "Öl",
    "Škoda",
    "it’s “fine”",
    "#köln",
    "œuvre",
    "Straße",
    "ça",
    "ÉTÉ",
    "100 £",
    "½ cup",
    "“été”",
    "fin…”",
    "© 2020",
    "Müller & Söhne",
]
JAPANESE = ["海", "山", "花", "猫", "空", "表", "ソ", "東京", "海の日", "#海", "夏 #夏", "カフェ", "海 sea", "アニメ"]
CHINESE = ["海", "春", "你好", "北京", "中国", "我爱你", "#海", "花", "日出", "今天天气很好"]
KOREAN = ["봄", "서울", "안녕하세요", "#봄", "봄 spring", "봄 ㅋㅋㅋㅋ ㅠㅠ"]


@pytest.mark.parametrize("text", WESTERN)
def test_western_european(text):
    assert likely_encodings(text.encode("cp1252")) == ("windows-1252",)


@pytest.mark.parametrize("text", JAPANESE)
def test_japanese(text):
    assert likely_encodings(text.encode("shift_jis")) == ("cp932",)


@pytest.mark.parametrize(
    "text", ["カフェでランチ", "おいしい♪", "今日は海に行きました。", "誕生日おめでとう！", "beach たのしい"]
)
def test_japanese_of_unix(text):
    assert likely_encodings(text.encode("euc_jp")) == ("euc_jp",)


@pytest.mark.parametrize("text", ["髙島屋でランチ", "①カフェ～夏～", "㈱カフェ"])
def test_japanese_of_windows_is_read_with_what_is_proposed(text, tmp_path):
    path = tmp_path / "posts.csv"
    path.write_bytes(f"post_id,caption,hashtags\n1,{text},夏\n".encode("cp932"))
    (refused,) = open_dump(path).read()
    assert refused.detail.endswith("it seems to be cp932: try --encoding cp932")
    (post,) = open_dump(path, options=ReaderOptions(encoding="cp932")).read()
    assert (post.post.caption, post.post.hashtags) == (text, ("夏",))


@pytest.mark.parametrize(
    "text, written, name",
    [
        *((text, "gbk", "gb18030") for text in CHINESE),
        *((text, "euc_kr", "euc_kr") for text in KOREAN),
        *((text, "big5", "big5") for text in ("海", "春天", "台北")),
    ],
)
def test_others_are_among_those_that_are_named(text, written, name):
    likely = likely_encodings(text.encode(written))
    assert name in likely
    assert "windows-1252" not in likely


@pytest.mark.parametrize("text", ["Привет", "море", "Москва и море", "#закат"])
def test_cyrillic(text):
    assert likely_encodings(text.encode("cp1251")) == ("windows-1251",)


@pytest.mark.parametrize("content", [b"damaged \xe2\x80 and caf\xc3\xa9", b"\x81 x", b"", b"plain", "море".encode()])
def test_damaged_utf8_and_text_without_it_name_none(content):
    assert likely_encodings(content) == ()
    assert suggestion(content) == ""


def test_the_message_names_one_or_several():
    assert suggestion("café".encode("cp1252")) == "; it seems to be windows-1252: try --encoding windows-1252"
    assert suggestion("봄".encode("euc_kr")) == "; it may be gb18030, big5 or euc_kr: try --encoding gb18030"


def test_records_together_say_more_than_one(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_bytes("post_id,caption\n1,春\n2,我爱你\n3,花\n".encode("gbk"))
    (note,) = [note for note in summarise(open_dump(path)).notes if "UTF-8" in note]
    assert note == (
        "3 records hold bytes that are not UTF-8 and seem to be gb18030; if so, read the dump with --encoding gb18030."
    )


def test_a_dump_that_may_be_in_several():
    counts = LikelyEncodings()
    assert counts.notes() == []
    for text in ("봄", "꽃"):
        counts.add("invalid_utf8: …" + suggestion(text.encode("euc_kr")))
    (note,) = counts.notes()
    assert note.startswith(
        "2 records hold bytes that are not UTF-8 and may be gb18030, big5 or euc_kr; read the dump with"
    )
    assert note.endswith("the one that shows the text as it was written, for example --encoding gb18030.")
