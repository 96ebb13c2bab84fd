"""Values of requests as error messages show them: short, whatever their size."""

from __future__ import annotations

import json

_LONGEST, _MOST = 60, 3


def shown(value: object) -> str:
    """Return the beginning of a JSON value.

    >>> shown("soon"), shown([1, None, True, 4]), shown({"a": 1})
    ('"soon"', '[1, null, true, …]', '{…}')
    """
    if isinstance(value, list):
        first = ["[…]" if isinstance(one, list) else shown(one) for one in value[:_MOST]]
        return "[" + ", ".join([*first, *(["…"] if len(value) > _MOST else [])]) + "]"
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, str):
        return short_text(json.dumps(value[: _LONGEST + 1], ensure_ascii=False), _LONGEST)
    try:
        return short_text(json.dumps(value), _LONGEST)
    except (TypeError, ValueError):  # no value of JSON, or a number of thousands of digits
        return f"a value of type {type(value).__name__}"


def short_text(text: str, longest: int) -> str:
    """Return the beginning of a text, as every answer can hold it: without halves of surrogate pairs."""
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= longest else whole[:longest] + "…"
