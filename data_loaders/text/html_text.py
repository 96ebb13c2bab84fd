"""Turn HTML into the text that its readers see."""

from __future__ import annotations

import html

import regex

# Not html.parser, whose time grows with the square of what is never closed.
_TAG = regex.compile(r"</?(?P<name>[a-z][a-z0-9]*+)(?:[\s/][^<>]*+)?+>|<!--[^<>]*+>", regex.IGNORECASE)
_PARAGRAPHS = frozenset({"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset({"br", "/li", "/div"})
_BREAKS = regex.compile(r"\n(?:[^\S\n]*+\n)++[^\S\n]*+")


def holds_tags(text: str) -> bool:
    """Return whether a text holds tags of HTML.

    >>> holds_tags("<p>low tide</p>"), holds_tags("1 <2> 3 <3")
    (True, False)
    """
    return _TAG.search(text) is not None


def text_of_html(source: str) -> str:
    r"""Return the text of HTML: paragraphs and `<br>` are line breaks, entities are characters, links are their text.

    >>> text_of_html('<p>Low &amp; slow<br>tide</p><p><a href="https://m.example/tags/sea">#<span>sea</span></a></p>')
    'Low & slow\ntide\n\n#sea'
    """
    broken = _TAG.sub(lambda tag: _break(tag["name"] or "", tag.group().startswith("</")), source)
    return html.unescape(_BREAKS.sub("\n\n", broken)).strip()


def _break(name: str, is_end: bool) -> str:
    name = name.lower()
    if name in _PARAGRAPHS:
        return "\n\n"
    return "\n" if (f"/{name}" if is_end else name) in _LINES else ""
