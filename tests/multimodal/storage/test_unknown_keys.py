"""Which keys a form of pydantic accepts, wherever in it."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from multimodal.storage.unknown_keys import known_keys, unknown_key


class Leaf(BaseModel):
    colour: str


class Other(BaseModel):
    size: int


class Tree(BaseModel):
    leaf: Leaf | None = None
    leaves: list[Leaf] = []
    named: dict[str, Annotated[Leaf, Field(description="…")]] = {}
    either: Leaf | Other | None = None
    count: int = 0


@pytest.mark.parametrize(
    ("location", "accepted"),
    [
        ((), ["leaf", "leaves", "named", "either", "count"]),
        (("leaf",), ["colour"]),
        (("leaves", 3), ["colour"]),
        (("named", "any"), ["colour"]),
        (("either",), ["colour", "size"]),
        (("count",), []),
        (("absent", "x"), []),
    ],
)
def test_keys_at_a_location(location, accepted):
    assert known_keys(Tree, location) == accepted
    assert known_keys(list[Tree], (0, *location)) == accepted


def test_where_nothing_is_known_nothing_is_proposed():
    assert unknown_key("a.b", "1", []) == "a.b: unknown key. Its value: 1."
