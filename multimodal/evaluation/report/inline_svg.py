"""A matplotlib figure as SVG inside a page: it takes the page's text colour and font, and shows texts on hover."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

from multimodal.evaluation.files.chart_style import chart_style
from multimodal.evaluation.report.text import clean_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Black stands for the colour of the page's text, which is light in the dark.
_INK, _PAGE_INK = "#000000", "currentColor"
_SETTINGS: Any = {"svg.fonttype": "none", "axes.spines.left": False, "ytick.major.size": 0}
_LONG_DECIMALS = re.compile(r"(\.\d\d)\d+")
_FONT = re.compile(r"font-family: [^;]*; ?")
_NO_TURN = "rotate(-0 "
_COORDINATES = ("d", "x", "y", "transform")


@contextmanager
def page_style() -> Iterator[None]:
    """Draw and save charts of the page; glyphs that only the reader's fonts have are no concern."""
    import warnings

    from matplotlib import rc_context

    with chart_style(), rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def inline_svg(figure: Figure, label: str, hover: Mapping[str, Sequence[str]] | None = None) -> Markup:
    """Return a figure as an `<svg>` element, the same bytes for the same figure.

    Args:
        figure: what is black in it takes the colour of the page's text.
        label: says what the chart shows, for screen readers.
        hover: texts by the `gid` of an artist, one for each of its markers, or one for all of it.
    """
    from matplotlib import rc_context

    file = StringIO()
    with rc_context({"svg.hashsalt": label}):  # ids are unique in the page as labels are
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(file.getvalue())
    for element in root.iter():
        _tidy(element)
    _add_hover(root, hover or {})
    for group in root.iter("g"):
        group.attrib.pop("id", None)
    for part in [*root.findall("metadata"), *root.findall("defs")[:1]]:  # the first defs would style the whole page
        root.remove(part)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": clean_text(label)}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _tidy(element: ElementTree.Element) -> None:
    """Drop name spaces, fonts, white space and needless digits; use the colour of the page's text."""
    element.tag = element.tag.rpartition("}")[2]
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    if "style" in attributes:
        attributes["style"] = _FONT.sub("", attributes["style"]).replace(_INK, _PAGE_INK)
    if attributes.get("transform", "").startswith(_NO_TURN):
        del attributes["transform"]
    for name in _COORDINATES:
        if name in attributes:
            attributes[name] = " ".join(_LONG_DECIMALS.sub(r"\1", attributes[name]).split())
    element.attrib = attributes
    element.text, element.tail = (text if text and text.strip() else None for text in (element.text, element.tail))


def _add_hover(root: ElementTree.Element, hover: Mapping[str, Sequence[str]]) -> None:
    for group in root.iter("g"):
        texts = hover.get(group.get("id", ""), ())
        marks = list(group.iter("use")) or list(group.iter("path"))
        for mark, text in zip(marks, texts, strict=False):
            ElementTree.SubElement(mark, "title").text = clean_text(text)
