"""`BodyLimits`: bodies that are too large or too slow end their request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from multimodal.serving.errors import ServiceError
from multimodal.serving.settings import Limits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class BodyLimits:
    """An ASGI application before another one; raises `ServiceError` (413, 408) where the body is read.

    Args:
        app: what reads the body.
        limits: how large it may be, and how long it may take.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            receive = _Body(receive, self._limits, scope["headers"]).receive
        await self._app(scope, receive, send)


class _Body:
    def __init__(self, receive: Receive, limits: Limits, headers: list[tuple[bytes, bytes]]) -> None:
        self._receive, self._limits = receive, limits
        given = dict(headers).get(b"content-length", b"0")
        self._announced = int(given) if given.isdigit() else 0
        self._bytes, self._whole = 0, False
        self._until_s: float | None = None

    async def receive(self) -> Message:
        if self._whole:  # what comes now says that the client has left, whenever it does
            return await self._receive()
        self._refuse_large(self._announced)
        message = await self._in_time()
        self._bytes += len(message.get("body", b""))
        self._refuse_large(self._bytes)
        self._whole = not message.get("more_body", False)
        return message

    async def _in_time(self) -> Message:
        now_s = asyncio.get_running_loop().time()
        self._until_s = now_s + self._limits.body_s if self._until_s is None else self._until_s
        try:
            return await asyncio.wait_for(self._receive(), self._until_s - now_s)
        except asyncio.TimeoutError:
            raise ServiceError(408, f"the body did not arrive within {self._limits.body_s:g} seconds.") from None

    def _refuse_large(self, size: int) -> None:
        most = self._limits.body_bytes
        if size > most:
            raise ServiceError(413, f"the body has more than {most:,} bytes, which is the most that is read.")
