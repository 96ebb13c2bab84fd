"""Read the hashtag lists of dumps: real lists, JSON in a cell, lists printed by pandas and numpy, plain text."""

from __future__ import annotations

import json
import re

from data_loaders.errors import DataError

ACCEPTED = 'a list such as ["nyc", "food"], or text with the tags separated by commas, | or spaces'

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SIGNED = re.compile(r"[\s,;|、，#＃]+")
_DELIMITERS = (re.compile(r"\|"), re.compile(r"[,;、，]"), re.compile(r"[\r\n\t]"), re.compile(r"\s"))


def read_tag_list(value: object) -> list[str]:
    """Return the surface forms of a list of hashtags; signs may remain.

    Text with signs is split at signs, spaces and delimiters; other text only at the first of `|`, comma, line break and
    space that occurs in it.

    Raises:
        DataError: the value is neither text nor a list of texts.

    >>> read_tag_list("#nyc #food"), read_tag_list("new york|food"), read_tag_list("['nyc', 'food']")
    (['nyc', 'food'], ['new york', 'food'], ['nyc', 'food'])
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, (list, tuple)):
        return [_element(element) for element in value if element is not None]
    raise DataError(f"hashtags is {describe(value)}. Accepted: {ACCEPTED}.")


def describe(value: object, limit: int = 60) -> str:
    """Return a value's type and beginning, for a message.

    >>> describe([1, 2]), describe(None)
    ('a list, [1, 2]', 'NoneType, None')
    """
    kinds = {dict: "an object", list: "a list", bool: "a boolean", int: "a number", float: "a number", str: "text"}
    text = repr(value)
    shown = text if len(text) <= limit else text[:limit] + "…"
    return f"{kinds.get(type(value), type(value).__name__)}, {shown}"


def _element(element: object) -> str:
    if isinstance(element, str):
        return element
    if isinstance(element, int) and not isinstance(element, bool):
        return str(element)
    if isinstance(element, dict) and isinstance(element.get("text"), str):
        return str(element["text"])  # Twitter's entities
    raise DataError(f"hashtags contains {describe(element)}. Accepted: {ACCEPTED}.")


def _from_text(text: str) -> list[str]:
    if text.startswith("[") and text.endswith("]"):
        return _from_brackets(text)
    if "#" in text or "＃" in text:
        pieces = _SIGNED.split(text)
    else:
        delimiter = next((pattern for pattern in _DELIMITERS if pattern.search(text)), None)
        pieces = delimiter.split(text) if delimiter else [text]
    return [piece.strip() for piece in pieces if piece.strip()]


def _from_brackets(text: str) -> list[str]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        # The repr of Python, or that of numpy, which has no commas.
        quoted = [single or double for single, double in _QUOTED.findall(text)]
        return [_ESCAPE.sub(r"\1", tag) for tag in quoted] if quoted else _from_text(text[1:-1].strip(" []"))
    if '"' not in text and any(element is not None for element in parsed):
        # Bare words that happen to be valid JSON: the hashtags #true, #NaN, #1e5.
        return _from_text(text[1:-1].strip(" []"))
    return [_element(element) for element in parsed if element is not None]
