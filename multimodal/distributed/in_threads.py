"""Methods that are awaited, made of those that take their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

Own = TypeVar("Own")
Given = ParamSpec("Given")
Result = TypeVar("Result")


def in_a_thread(
    method: Callable[Concatenate[Own, Given], Result],
) -> Callable[Concatenate[Own, Given], Coroutine[Any, Any, Result]]:
    """Return the same method to be awaited; it runs in a thread, which goes on if nobody waits any longer."""

    @wraps(method)
    async def awaited(own: Own, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await asyncio.to_thread(method, own, *args, **kwargs)

    return awaited
