"""`GET /health`, `/ready`, `/metrics` and `/models`, `POST /models/{name}/reload`."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from multimodal.serving import schemas
from multimodal.serving.errors import ServiceError
from multimodal.serving.icon import SVG, SVG_TYPE
from multimodal.serving.served_models import ServedModel
from multimodal.serving.service import TheService

open_router = APIRouter(tags=["operation"])
router = APIRouter(tags=["operation"], responses={401: schemas.ERRORS[401]})
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@open_router.get("/health")
async def health() -> schemas.Health:
    """Say that the process answers."""
    return schemas.Health()


@open_router.get("/favicon.ico", include_in_schema=False)
async def icon() -> Response:
    """Return the icon that browsers ask for."""
    return Response(SVG, media_type=SVG_TYPE, headers={"Cache-Control": "public, max-age=86400"})


@open_router.get("/ready", responses={503: schemas.ERRORS[503]})
async def ready(service: TheService) -> schemas.Health:
    """Say whether the models are loaded; 503 before, and while the service is being stopped."""
    _ = service.ready
    return schemas.Health(status="ready")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(service: TheService) -> Response:
    """Return counts and times for Prometheus."""
    return Response(service.measurements.text(), media_type=_METRICS_TYPE)


@router.get("/models", responses={503: schemas.ERRORS[503]})
async def models(service: TheService) -> schemas.Models:
    """List the models."""
    return schemas.Models(models=[_about(model) for model in service.ready])


@router.post("/models/{name}/reload", responses={status: schemas.ERRORS[status] for status in (404, 422, 503)})
async def reload(name: str, service: TheService) -> schemas.ModelAbout:
    """Load a model again from its folder; requests are answered meanwhile. Needs an API key."""
    if service.settings.api_key is None:
        raise ServiceError(401, "models are loaded again over HTTP only where an API key is set; or send SIGHUP.")
    model = service.ready.get(name)
    await run_in_threadpool(model.reload)
    return _about(model)


def _about(model: ServedModel) -> schemas.ModelAbout:
    with model.borrow() as recommender:
        return schemas.ModelAbout(
            name=model.source.name,
            system=recommender.system.name,
            hashtags=len(recommender.memory.id_map),
            remembered=len(recommender.memory),
            memory="process" if model.source.memory is None else "log",
            loaded_at=model.loaded_at.isoformat(timespec="seconds"),
        )
