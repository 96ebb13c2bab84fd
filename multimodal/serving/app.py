"""`create_app`: the service as an ASGI application; nothing is loaded before it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException

from data_loaders import __version__
from data_loaders.errors import UserError
from multimodal.serving.api_page import add_docs
from multimodal.serving.body_limits import BodyLimits
from multimodal.serving.errors import ServiceError, service_error
from multimodal.serving.keys import API_KEY_HEADER, check_key
from multimodal.serving.openapi import describe
from multimodal.serving.parameters import check_parameters
from multimodal.serving.request_log import RequestLog
from multimodal.serving.routes import operating, recommending, remembering, rules
from multimodal.serving.served_models import ServedModels
from multimodal.serving.service import Service, TheService
from multimodal.serving.settings import ServiceSettings

_key_header = APIKeyHeader(name=API_KEY_HEADER, auto_error=False)


def create_app(settings: ServiceSettings, models: ServedModels | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: models and limits.
        models: those of the settings, loaded; None to load them when a server starts the application, which fails with
            a `UserError` where one cannot be.
    """
    app = FastAPI(
        title="Hashtag recommender",
        description="Names the hashtags that a user would want for a picture and a caption.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    service = Service(settings, loaded=models)
    app.state.service = service
    app.include_router(operating.open_router)
    app.include_router(operating.router, dependencies=[Depends(_allowed)])
    for router in (recommending.router, remembering.router, rules.router):
        app.include_router(router, dependencies=[Depends(_allowed), Depends(check_parameters)])
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(HTTPException, _http_error)
    add_docs(app)
    describe(app, keyed=settings.api_key is not None)
    # The last one added is the outermost.
    app.add_middleware(BodyLimits, limits=settings.limits)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.origins), allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(RequestLog, measurements=service.measurements)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    models = service.loaded
    if models is None:
        models = await run_in_threadpool(ServedModels, service.settings)
    models.start(service.measurements)
    service.models = models
    try:
        yield
    finally:
        service.models = None
        await models.close()


async def _allowed(service: TheService, key: Annotated[str | None, Depends(_key_header)]) -> None:
    check_key(service.settings, key)


async def _service_error(request: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, ServiceError) else ServiceError(500, str(error))
    return JSONResponse(known.document, known.status, known.headers)


async def _user_error(request: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, UserError) else UserError(str(error))
    return await _service_error(request, service_error(known))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    message = f"{request.method} {detail}"
    if status in (404, 405):
        message = f"{request.method} {request.url.path[:100]}: {detail}; /docs lists the routes."
    response = await _service_error(request, ServiceError(status, message))
    response.headers.update(getattr(error, "headers", None) or {})
    return response
