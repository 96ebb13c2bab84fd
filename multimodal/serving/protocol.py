"""`TimedProtocol`: connections that never finish a request or never read its answer are closed, and one too many is."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from multimodal.serving.errors import ServiceError
from multimodal.serving.request_log import send_error
from multimodal.serving.settings import Limits


class TimedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, within limits.

    Attributes:
        limits: of these, how long headers may take to arrive, and how long the rest of an answer to be read once the
            connection is closed; and how many connections may be open.
    """

    limits = Limits()
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self.app = self._refuse
        self._wait()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no request comes; who does not read what was answered does not keep it."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.limits.body_s, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request."""
        super().data_received(data)
        if self._answering():
            self._stop_waiting()
        elif self._timer is None and not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.limits.headers_s, self._close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if not self._answering() and not self.transport.is_closing():
            self.transport.close()

    async def _refuse(self, scope: Any, receive: Any, send: Any) -> None:
        problem = f"{self.limits.connections} connections are open, and no more may be; come again later."
        await send_error(ServiceError(503, problem, 1), send, [(b"connection", b"close")])
