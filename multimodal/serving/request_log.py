"""`RequestLog`: every request is measured, logged as a line of JSON and answered, whatever happens to it."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import MutableMapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect

from multimodal.serving.body_limits import App, Message, Receive, Send
from multimodal.serving.errors import ServiceError
from multimodal.serving.measurements import Measurements

logger = logging.getLogger(__name__)

_NO_ROUTE = "none"
_MISTAKE = ServiceError(500, "the service made a mistake; its log says more under the request id in X-Request-Id.")


class RequestLog:
    """The outermost ASGI application.

    A line holds the route, not the path, so that neither captions nor ids of users are in the log.

    Args:
        app: what answers.
        measurements: what is counted.
    """

    def __init__(self, app: App, measurements: Measurements) -> None:
        self._app, self._measurements = app, measurements

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id, started_s, status = uuid.uuid4().hex, time.perf_counter(), 499

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except ClientDisconnect:
            pass
        except Exception:
            logger.exception("request %s failed", request_id)
            if status == 499:
                await send_error(_MISTAKE, send_on)
        finally:
            seconds = time.perf_counter() - started_s
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            self._measurements.answered(route, status, seconds)
            logger.info(_line(request_id, scope["method"], route, status, seconds))
        return None


def _line(request_id: str, method: str, route: str, status: int, seconds: float) -> str:
    return json.dumps(
        {"request": request_id, "method": method, "route": route, "status": status, "ms": round(seconds * 1_000, 1)}
    )


async def send_error(error: ServiceError, send: Send, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Answer a request with an error.

    Args:
        error: what is told.
        send: of the request.
        headers: others than those of the error.
    """
    body = json.dumps(error.document).encode()
    own = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    told = [(name.lower().encode(), value.encode()) for name, value in own.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": [*told, *headers]})
    await send({"type": "http.response.body", "body": body})
