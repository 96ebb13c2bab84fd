"""Look up values in JSON of unknown shape."""

from __future__ import annotations

from typing import Any


def at(value: Any, *path: str | int) -> Any:
    """Return the value at a path of keys and indices; None if it does not lead anywhere.

    >>> at({"users": [{"id": 7}]}, "users", 0, "id"), at({"users": []}, "users", 0, "id")
    (7, None)
    """
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def identifier(value: Any) -> str | int | None:
    """Return the value if it is a number or text that is not blank, otherwise None."""
    usable = isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip()
    return value if usable else None
