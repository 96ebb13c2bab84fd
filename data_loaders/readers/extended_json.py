"""Values of MongoDB's Extended JSON, as `mongoexport` writes them."""

from __future__ import annotations

from typing import Any

_KINDS = frozenset(
    {"$oid", "$date", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal", "$uuid", "$symbol"}
)


def plain_value(value: Any) -> Any:
    """Return the value inside of an object that says its type; any other value as it is.

    Numbers stay text where they are given so. https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/

    >>> plain_value({"$date": {"$numberLong": "1700000000000"}}), plain_value({"$oid": "5f1e"}), plain_value({"a": 1})
    ('1700000000000', '5f1e', {'a': 1})
    """
    while isinstance(value, dict) and len(value) == 1:
        (kind,) = value
        if kind not in _KINDS:
            break
        value = value[kind]
    return value
