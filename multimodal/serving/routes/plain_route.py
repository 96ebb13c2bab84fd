"""`PlainRoute`: routes that are asked much, without what FastAPI does for each request."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from multimodal.serving.keys import API_KEY_HEADER, check_key
from multimodal.serving.parameters import check_parameters
from multimodal.serving.service import service_of


class PlainRoute(APIRoute):
    """A route of `async (request, service) -> Response`, described like any other and called directly.

    Dependencies are described, not solved; of them there are only the key and parameters, which are checked here.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            service = service_of(request)
            check_key(service.settings, request.headers.get(API_KEY_HEADER))
            check_parameters(request)
            return await endpoint(request, service)

        return handle
