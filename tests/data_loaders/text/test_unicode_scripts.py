"""Which writing system a text is in."""

import pytest

from data_loaders.text.unicode_scripts import unicode_script


@pytest.mark.parametrize(
    "text, script",
    [
        ("Low tide", "Latin"),
        ("Ünïcödé ñ", "Latin"),
        ("ＦＵＬＬ ＷＩＤＴＨ", "Latin"),
        ("доброе утро", "Cyrillic"),
        ("καλημέρα", "Greek"),
        ("صباح الخير", "Arabic"),
        ("בוקר טוב", "Hebrew"),
        ("सुप्रभात", "Devanagari"),
        ("காலை வணக்கம்", "Tamil"),
        ("สวัสดี", "Thai"),
        ("早上好", "Han"),
        ("おはよう", "Japanese kana"),
        ("좋은 아침", "Hangul"),
        ("ok доброе утро", "Cyrillic"),
        ("123 !? 😀", "none"),
        ("", "none"),
        (None, "none"),
        ("\ud83d", "none"),
    ],
)
def test_scripts(text, script):
    assert unicode_script(text) == script
