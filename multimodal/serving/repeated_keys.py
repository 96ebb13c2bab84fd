"""JSON in which a key stands twice: which of its values counts would be a guess."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from multimodal.serving.errors import ServiceError
from multimodal.serving.shown_values import short_text

_LONGEST_NAME = 100


def read_once(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ServiceError: an object has a key twice (400).
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_once)


def refuse_repeated(text: bytes) -> None:
    """Refuse JSON, known to be valid, in which an object has a key twice.

    Raises:
        ServiceError: there is such a key (400).
    """
    as_it_is: Callable[[str], str] = str  # Python refuses to read numbers of thousands of digits
    json.loads(text, object_pairs_hook=_once, parse_int=as_it_is, parse_float=as_it_is)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ServiceError(400, f"{short_text(name, _LONGEST_NAME)}: given twice in one object; give it once.")
        values[name] = value
    return values
