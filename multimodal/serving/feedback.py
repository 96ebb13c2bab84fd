"""What users did with answers, kept for the routes and the page alike."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool

from multimodal.recommender import Recommendation
from multimodal.serving.errors import ServiceError
from multimodal.serving.schemas import FeedbackRequest
from multimodal.serving.service import Service
from multimodal.systems.queries import read_post


async def keep_feedback(service: Service, given: FeedbackRequest) -> None:
    """Keep what a user did with an answer.

    Raises:
        ServiceError: it names no answer or post, or both, or no id (422), or an answer that is not kept (404).
        UserError: a value cannot be used.
    """
    if (given.answer_id is None) == (given.post_id is None):
        raise ServiceError(422, "give either answer_id or post_id.")
    if given.post_id is not None and not read_post({"post_id": given.post_id}, "").post_id:
        raise ServiceError(422, f"post_id: {given.post_id!r} names no post; give the id of a post, or answer_id.")
    lists = given.model_dump(include={"accepted", "rejected", "added"})
    about: str | list[Recommendation] = given.post_id or ""
    user_id, name = given.user_id, given.model
    if given.answer_id is not None:
        kept = service.answers.get(given.answer_id)
        about, user_id, name = list(kept.shown), user_id or kept.user_id, name or kept.model
    model = service.ready.get(name)

    def keep() -> None:
        with model.borrow() as recommender:
            recommender.feedback(about, user_id=user_id, **lists)

    await run_in_threadpool(keep)
