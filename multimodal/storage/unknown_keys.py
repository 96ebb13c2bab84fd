"""Keys that a form of pydantic does not know, told with what it accepts."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from data_loaders.errors import nearest


def unknown_key(location: str, shown: str, accepted: Collection[str]) -> str:
    """Return a sentence about a key that is not accepted.

    >>> unknown_key("recency.limt", "3", ["limit", "days"])
    "recency.limt: unknown key. Did you mean 'limit'? Accepted here: limit, days. Its value: 3."

    Args:
        location: the key, behind those it stands in.
        shown: its value, as the message shows it.
        accepted: keys that are accepted there.
    """
    name = location.rpartition(".")[2]
    known = f" Accepted here: {', '.join(accepted)}." if accepted else ""
    return f"{location}: unknown key.{nearest(name, accepted)}{known} Its value: {shown}."


def known_keys(form: Any, location: Sequence[str | int]) -> list[str]:
    """Return the keys that are accepted in a form, or in a part of it; none where it cannot be told.

    Args:
        form: a model, or a type made of models, lists, dictionaries and alternatives.
        location: of the part, as pydantic names it.
    """
    forms = list(_alternatives(form))
    for part in location:
        forms = [inner for outer in forms for inner in _inside(outer, part)]
    return list(dict.fromkeys(name for one in forms if _is_model(one) for name in one.model_fields))


def _alternatives(form: Any) -> Iterator[Any]:
    if get_origin(form) is Annotated:
        yield from _alternatives(get_args(form)[0])
    elif get_origin(form) in (Union, types.UnionType):
        for one in get_args(form):
            yield from _alternatives(one)
    else:
        yield form


def _inside(form: Any, part: str | int) -> Iterator[Any]:
    if _is_model(form):
        if part in form.model_fields:
            yield from _alternatives(form.model_fields[part].annotation)
    elif arguments := get_args(form):  # of a list, or the values of a dictionary
        yield from _alternatives(arguments[-1])


def _is_model(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, BaseModel)
