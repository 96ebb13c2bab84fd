"""`POST /recommend` and `/recommend/batch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from data_loaders.errors import UserError
from multimodal.serving import schemas
from multimodal.serving.answers_kept import AnswerKept
from multimodal.serving.bodies import read_body, read_json
from multimodal.serving.errors import ServiceError, at_most, service_error
from multimodal.serving.openapi import accepts
from multimodal.serving.pictures import checked, decoded
from multimodal.serving.questions import Answer, Question
from multimodal.serving.service import Service, TheService
from multimodal.serving.settings import Limits

router = APIRouter(tags=["recommend"], responses=schemas.ERRORS)


@router.post("/recommend", openapi_extra=accepts(schemas.RecommendRequest, form=True))
async def recommend(request: Request, service: TheService) -> schemas.RecommendAnswer:
    """Name exactly k hashtags for one post, best first."""
    asked, picture = await read_body(request, schemas.RecommendRequest)
    limits = service.settings.limits
    question = await run_in_threadpool(_question, asked, picture, asked.options(), limits)
    model = service.ready.get(asked.model)
    (answer,) = await model.batcher.ask([question], limits.answer_s)
    if isinstance(answer, UserError):
        raise service_error(answer)
    if isinstance(answer, Exception):
        raise answer
    return _told(service, model.source.name, asked.user_id, answer)


@router.post("/recommend/batch", openapi_extra=accepts(schemas.BatchRequest))
async def recommend_batch(request: Request, service: TheService) -> schemas.BatchAnswer:
    """Name hashtags for several posts; one that cannot be answered does not lose the others."""
    asked = await read_json(request, schemas.BatchRequest)
    limits = service.settings.limits
    at_most("posts", len(asked.posts), limits.batch_posts)
    options = asked.options()
    tried = await run_in_threadpool(lambda: [_tried(post, options, limits) for post in asked.posts])
    model = service.ready.get(asked.model)
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
            answers.append(_told(service, model.source.name, post.user_id, answer))
    return schemas.BatchAnswer(answers=answers)


def _tried(post: schemas.Query, options: dict[str, Any], limits: Limits) -> Question | ServiceError | UserError:
    try:
        return _question(post, None, options, limits)
    except (ServiceError, UserError) as error:
        return error


def _question(post: schemas.Query, picture: bytes | None, options: dict[str, Any], limits: Limits) -> Question:
    for name in ("k", "minimum", "maximum"):
        at_most(name, value if isinstance(value := options.get(name), int) else 0, limits.hashtags)
    at_most("caption", len(post.caption or ""), limits.caption_characters, " characters")
    given: dict[str, Any] = post.model_dump(include={"caption", "user_id", "timestamp"})
    given["image"] = _picture(post.image, picture, limits)
    if given["image"] is None and not post.caption and not post.user_id:
        raise ServiceError(422, "nothing to recommend for; give at least one of image, caption and user_id.")
    return Question(given, options, _history(getattr(post, "history", None), limits))


def _picture(text: str | None, picture: bytes | None, limits: Limits) -> bytes | None:
    if text and picture:
        raise ServiceError(422, "image: given twice.")
    picture = decoded(text) if text else picture
    return None if picture is None else checked(picture, limits.pixels)


def _history(posts: Sequence[schemas.HistoryPost] | None, limits: Limits) -> list[dict[str, Any]] | None:
    if not posts:
        return None
    at_most("history", len(posts), limits.history_posts, " posts")
    return [{**post.model_dump(), "image": _picture(post.image, None, limits)} for post in posts]


def _told(service: Service, model: str, user_id: str | None, answer: Answer) -> schemas.RecommendAnswer:
    answer_id = service.answers.add(AnswerKept(model, user_id, answer))
    told = [schemas.RecommendedHashtag.model_validate(one.to_dict()) for one in answer]
    return schemas.RecommendAnswer(recommendations=told, answer_id=answer_id, model=model)
