"""`POST /observe` and `/feedback`, `GET` and `DELETE /users/{id}`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from multimodal.serving import schemas
from multimodal.serving.bodies import read_body, read_json
from multimodal.serving.errors import ServiceError, at_most
from multimodal.serving.feedback import keep_feedback
from multimodal.serving.openapi import accepts
from multimodal.serving.pictures import Pictures, decoded
from multimodal.serving.service import TheService
from multimodal.serving.settings import Limits
from multimodal.systems.queries import unusable

router = APIRouter(tags=["memory"], responses=schemas.ERRORS)


@router.post("/observe", response_model_exclude_none=True, openapi_extra=accepts(schemas.ObserveRequest, form=True))
async def observe(request: Request, service: TheService) -> schemas.Observed:
    """Remember posts, all or none; when this is answered they are in the memory."""
    asked, picture = await read_body(request, schemas.ObserveRequest)
    limits, posts = service.settings.limits, asked.each()
    at_most("posts", len(posts), limits.batch_posts)
    model = service.ready.get(asked.model)

    def remember() -> schemas.Observed:
        pictures = Pictures(limits)
        given = [_given(post, picture, limits, pictures) for post in posts]
        with model.borrow() as recommender:
            recommender.observe(given)
            dropped = [tag for post in posts for tag in unusable(post.hashtags or ())]
            return schemas.Observed(
                observed=len(given), remembered=len(recommender.memory), dropped_hashtags=dropped or None
            )

    return await run_in_threadpool(remember)


@router.post("/feedback", openapi_extra=accepts(schemas.FeedbackRequest))
async def feedback(request: Request, service: TheService) -> schemas.Kept:
    """Keep what a user did with an answer."""
    given = await read_json(request, schemas.FeedbackRequest)
    await keep_feedback(service, given)
    return schemas.Kept()


@router.get("/users/{user_id:path}")
async def export(user_id: str, service: TheService, model: str | None = None) -> schemas.Exported:
    """Return all that is held about a user."""
    served = service.ready.get(model)

    def read() -> dict[str, Any]:
        with served.borrow() as recommender:
            return recommender.export(user_id)

    return schemas.Exported(**await run_in_threadpool(read))


@router.delete("/users/{user_id:path}")
async def forget(user_id: str, service: TheService, model: str | None = None) -> schemas.Forgotten:
    """Forget a user: at once for answers, on the disk with the next compaction."""
    served = service.ready.get(model)

    def erase() -> int:
        with served.borrow() as recommender:
            return recommender.forget(user_id)

    posts = await run_in_threadpool(erase)
    service.answers.forget(user_id)
    return schemas.Forgotten(posts=posts)


def _given(post: schemas.ObservedPost, picture: bytes | None, limits: Limits, pictures: Pictures) -> dict[str, Any]:
    at_most("caption", len(post.caption or ""), limits.caption_characters, " characters")
    image = decoded(post.image) if post.image else picture
    if image is None and not (post.caption or post.user_id or post.hashtags):
        raise ServiceError(422, "nothing to remember; give at least one of image, caption, user_id and hashtags.")
    given = post.model_dump(include=set(schemas.ObservedPost.model_fields) - {"image"}, exclude_none=True)
    return given if image is None else {**given, "image": pictures.checked(image)}
