"""`POST /recommend` and `/recommend/batch`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from data_loaders.errors import UserError
from multimodal.serving import schemas
from multimodal.serving.answering import (
    SentAnswer,
    answer_request,
    in_a_thread,
    keep_answer,
    question_of,
    watching_client,
)
from multimodal.serving.bodies import read_body, read_json
from multimodal.serving.errors import ServiceError, at_most, service_error
from multimodal.serving.openapi import accepts
from multimodal.serving.pictures import Pictures
from multimodal.serving.questions import Question
from multimodal.serving.routes.plain_route import PlainRoute
from multimodal.serving.service import TheService
from multimodal.serving.settings import Limits

router = APIRouter(route_class=PlainRoute, tags=["recommend"], responses=schemas.ERRORS)


@router.post(
    "/recommend",
    response_model=schemas.RecommendAnswer,
    openapi_extra=accepts(schemas.RecommendRequest, form=True),
)
async def recommend(request: Request, service: TheService) -> Response:
    """Name exactly k hashtags for one post, best first."""
    asked, picture = await read_body(request, schemas.RecommendRequest)
    return _as_json(await answer_request(service, asked, picture, lambda: _disconnected(request)))


@router.post("/recommend/batch", response_model=schemas.BatchAnswer, openapi_extra=accepts(schemas.BatchRequest))
async def recommend_batch(request: Request, service: TheService) -> Response:
    """Name hashtags for several posts; one that cannot be answered does not lose the others."""
    asked = await read_json(request, schemas.BatchRequest)
    limits = service.settings.limits
    at_most("posts", len(asked.posts), limits.batch_posts)
    options = asked.options()
    model = service.ready.get(asked.model)
    async with watching_client(lambda: _disconnected(request)) as gone:
        pictures = Pictures(limits, model.picture_size_px, gone.done)
        tried = await in_a_thread(lambda: [_tried(post, options, limits, pictures) for post in asked.posts])
        good = [one for one in tried if isinstance(one, Question)]
        answered = iter(await model.batcher.ask(good, limits.answer_s, lambda: gone))
    answers: list[SentAnswer | dict[str, Any]] = []
    for post, one in zip(asked.posts, tried, strict=True):
        answer = next(answered) if isinstance(one, Question) else one
        if isinstance(answer, UserError):
            answer = service_error(answer)
        if isinstance(answer, ServiceError):
            answers.append(answer.document)
        elif isinstance(answer, Exception):
            raise answer
        else:
            answers.append(keep_answer(service, model.source.name, post.user_id, answer))
    return _as_json({"answers": answers})


async def _disconnected(request: Request) -> None:
    """Return once the client is gone, whose body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _as_json(answer: Any) -> Response:
    # Written from the answers themselves; models of them would check again what is right.
    return Response(to_json(answer, inf_nan_mode="null"), media_type="application/json")


def _tried(
    post: schemas.Query, options: dict[str, Any], limits: Limits, pictures: Pictures
) -> Question | ServiceError | UserError:
    try:
        return question_of(post, None, options, limits, pictures)
    except (ServiceError, UserError) as error:
        return error
