"""`POST /recommend` and `/recommend/batch`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from data_loaders.errors import UserError
from multimodal.serving import schemas
from multimodal.serving.asking import answered, question_of, told
from multimodal.serving.bodies import read_body, read_json
from multimodal.serving.errors import ServiceError, at_most, service_error
from multimodal.serving.openapi import accepts
from multimodal.serving.questions import Question
from multimodal.serving.service import TheService
from multimodal.serving.settings import Limits

router = APIRouter(tags=["recommend"], responses=schemas.ERRORS)


@router.post(
    "/recommend",
    response_model=schemas.RecommendAnswer,
    openapi_extra=accepts(schemas.RecommendRequest, form=True),
)
async def recommend(request: Request, service: TheService) -> Response:
    """Name exactly k hashtags for one post, best first."""
    asked, picture = await read_body(request, schemas.RecommendRequest)
    return _as_json(await answered(service, asked, picture))


@router.post("/recommend/batch", response_model=schemas.BatchAnswer, openapi_extra=accepts(schemas.BatchRequest))
async def recommend_batch(request: Request, service: TheService) -> Response:
    """Name hashtags for several posts; one that cannot be answered does not lose the others."""
    asked = await read_json(request, schemas.BatchRequest)
    limits = service.settings.limits
    at_most("posts", len(asked.posts), limits.batch_posts)
    options = asked.options()
    model = service.ready.get(asked.model)
    size_px = model.picture_size_px
    tried = await run_in_threadpool(lambda: [_tried(post, options, limits, size_px) for post in asked.posts])
    good = [one for one in tried if isinstance(one, Question)]
    answered = iter(await model.batcher.ask(good, limits.answer_s))
    answers: list[schemas.RecommendAnswer | schemas.ErrorAnswer] = []
    for post, one in zip(asked.posts, tried, strict=True):
        answer = next(answered) if isinstance(one, Question) else one
        if isinstance(answer, UserError):
            answer = service_error(answer)
        if isinstance(answer, ServiceError):
            answers.append(schemas.ErrorAnswer.model_validate(answer.document))
        elif isinstance(answer, Exception):
            raise answer
        else:
            answers.append(told(service, model.source.name, post.user_id, answer))
    return _as_json(schemas.BatchAnswer(answers=answers))


def _as_json(answer: BaseModel) -> Response:
    # What is valid already is not checked again.
    return Response(answer.model_dump_json(), media_type="application/json")


def _tried(
    post: schemas.Query, options: dict[str, Any], limits: Limits, size_px: int | None
) -> Question | ServiceError | UserError:
    try:
        return question_of(post, None, options, limits, size_px)
    except (ServiceError, UserError) as error:
        return error
