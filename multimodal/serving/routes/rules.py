"""`GET`, `PUT` and `DELETE /rules/{user}`: what is kept for all answers to a user."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from multimodal.serving import schemas
from multimodal.serving.bodies import read_json, validated
from multimodal.serving.openapi import accepts
from multimodal.serving.service import Service, TheService

router = APIRouter(tags=["rules"], responses=schemas.ERRORS)
_PATH = "/rules/{user_id:path}"


@router.get(_PATH, response_model_exclude_none=True)
async def kept(user_id: str, service: TheService, model: str | None = None) -> schemas.Rules:
    """Return the rules that are kept for a user; empty if there are none."""
    _check(user_id)
    served = service.ready.get(model)

    def read() -> schemas.Rules:
        with served.borrow() as recommender:
            return schemas.Rules(**recommender.rules(user_id))

    return await run_in_threadpool(read)


@router.put(_PATH, response_model_exclude_none=True, openapi_extra=accepts(schemas.Rules))
async def keep(user_id: str, request: Request, service: TheService, model: str | None = None) -> schemas.Rules:
    """Keep rules for all later answers to a user, in place of earlier ones."""
    _check(user_id)
    given = await read_json(request, schemas.Rules)
    return await _set(service, user_id, model, given.model_dump(exclude_none=True))


@router.delete(_PATH, response_model_exclude_none=True)
async def drop(user_id: str, service: TheService, model: str | None = None) -> schemas.Rules:
    """Keep no rules for a user."""
    return await _set(service, user_id, model, None)


def _check(user_id: str) -> None:
    validated(schemas.UserInPath, {"user_id": user_id})


async def _set(service: Service, user_id: str, model: str | None, rules: dict[str, Any] | None) -> schemas.Rules:
    served = service.ready.get(model)

    def change() -> schemas.Rules:
        with served.borrow() as recommender:
            recommender.set_rules(user_id, rules)
            return schemas.Rules(**recommender.rules(user_id))

    return await run_in_threadpool(change)
