"""Hypothesis strategies: records of any JSON under any key, and tables of any cells."""

from __future__ import annotations

import json

from hostile_values import CHARACTERS, FIELDS, OF_FIELD, POOLS
from hypothesis import strategies as st

_LONGEST = 5_000
KEYS = (*FIELDS, "id", "user", "author", "text", "created_at", "img", "tags", "retweeted_status", "likes")


def _read(pool: list[str]) -> list[object]:
    """Return the values of a pool that Python reads."""
    return [json.loads(value) for value in pool if len(value) < _LONGEST and not value.startswith("9" * 4_000)]


texts = st.text(CHARACTERS, max_size=40) | st.text(st.characters(exclude_categories=()), max_size=20)
"""Text of characters that mean something to a reader, and any text, halves of surrogate pairs included."""

scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
) | st.sampled_from([value for pool in POOLS.values() for value in _read(pool)])
"""Any JSON, and values that readers met with in dumps."""


def values_of(field: str) -> st.SearchStrategy[object]:
    """Return JSON of the sort that hurts a field, and any other."""
    return values | st.sampled_from(_read(OF_FIELD.get(field, POOLS["texts"])))


records = st.fixed_dictionaries({}, optional={key: values_of(key) for key in KEYS})
"""A record under the keys of the exchange format and others, each of which may be missing."""

cells = texts | values.map(json.dumps) | st.sampled_from([json.dumps(value) for value in _read(POOLS["tag_lists"])])
tables = st.lists(st.sampled_from(KEYS), unique=True, min_size=1).flatmap(
    lambda columns: st.tuples(
        st.just(columns), st.lists(st.lists(cells, min_size=len(columns), max_size=len(columns)), max_size=5)
    )
)
"""Names of columns and rows of as many cells."""
