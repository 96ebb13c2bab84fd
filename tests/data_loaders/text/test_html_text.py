import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.html_text import holds_tags, text_of_html


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>low</p><p>tide</p>", "low\n\ntide"),
        ("<p>low</p>\n<p>tide</p>", "low\n\ntide"),
        ("<p>low<br>tide<BR />sea</p>", "low\ntide\nsea"),
        ("<ul><li>low</li><li>tide</li></ul>", "low\ntide"),
        ("<p>I &lt;3 &amp;amp; caf&eacute; &#39;x&#39;</p>", "I <3 &amp; café 'x'"),
        ('<a href="https://m.example/tags/sea" class="mention hashtag" rel="tag">#<span>sea</span></a>', "#sea"),
        ('<span class="h-card"><a href="https://m.example/@bob">@<span>bob</span></a></span>', "@bob"),
        (
            '<a href="https://x.example/a"><span class="invisible">https://</span><span>x.example/a</span></a>',
            "https://x.example/a",
        ),
        ("a <3 b < c <d", "a <3 b < c <d"),
        ("<!-- seen by nobody -->low", "low"),
        ("low <b>tide", "low tide"),
        ("", ""),
    ],
)
def test_what_html_shows(source, text):
    assert text_of_html(source) == text


@pytest.mark.parametrize("text", ["<3", "1 < 2 > 0", "a<b", "<@ann>", "<2>", "&lt;p&gt;"])
def test_what_holds_no_tags(text):
    assert not holds_tags(text)


@given(st.text("<>/pbr !-&;#x12ltam'\"", max_size=60))
def test_what_is_escaped_is_read_back(text):
    assert text_of_html(html.escape(text)) == text.strip()
    assert text_of_html(f"<p>{html.escape(text)}</p>") == text.strip()
    text_of_html(text)
