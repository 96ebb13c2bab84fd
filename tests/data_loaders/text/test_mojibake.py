import pytest

from data_loaders.text.mojibake import undo, undo_evident

# Signs of Windows-1252; it lacks five bytes, which are read as control characters.
CP1252 = {byte: bytes([byte]).decode("cp1252") for byte in range(256) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


@pytest.mark.parametrize(
    "text", ["żaba", "yıldız", "Москва", "naïve", "日本語", "今日は #空", "😀", "šž", "œuvre’s “x”", "ñandú", "CAFÉ ’"]
)
def test_utf8_read_one_byte_at_a_time_is_undone(text):
    latin1 = text.encode().decode("latin-1")
    windows = "".join(CP1252.get(byte, chr(byte)) for byte in text.encode())
    assert [undo(latin1), undo_evident(latin1), undo(windows), undo_evident(windows)] == [text] * 4


@pytest.mark.parametrize(
    "text",
    [
        *("", "plain", "café", "été", "«été»", "Größe°", "東京", "“quoted” text – dash", "€50", "Ž", "”", "voilà…"),
        *("CAFÉ®", "CAFÉ\xa0!", "OLÉ…", "CAFÉ’S", "CAFÉ”", "ESPAÑA»", "half Ã© half é", "Ã© and 東京", "Ð", "Â"),
    ],
)
def test_real_text_stays(text):
    assert undo_evident(text) is None
