"""Texts and numbers as the page shows them."""

from __future__ import annotations

import math
import unicodedata

# Control characters and lone surrogates are not allowed in HTML, even as character references.
_NOT_ALLOWED = {"Cc", "Cs"}


def clean_text(text: object) -> str:
    """Return any value as text, with a space for every character that HTML does not allow."""
    return "".join(" " if unicodedata.category(character) in _NOT_ALLOWED else character for character in str(text))


def shortened(text: str, most: int) -> str:
    """Return a text cut to `most` characters, with runs of white space as one space.

    >>> shortened("one  two three", 9)
    'one two…'
    """
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, or a dash where it is not defined.

    >>> number(0.40512), number(1234.5, 1), number(float("nan"))
    ('0.405', '1,234.5', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"
