"""From a request to its answer, which is kept for feedback; for the routes and the page alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError
from multimodal.serving import schemas
from multimodal.serving.errors import ServiceError, at_most, service_error
from multimodal.serving.kept_answers import KeptAnswer
from multimodal.serving.pictures import Pictures, decoded
from multimodal.serving.questions import Answer, Question
from multimodal.serving.service import Service
from multimodal.serving.settings import Limits

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """An answer as it is sent; in JSON it is a `RecommendAnswer`.

    Attributes:
        recommendations: best first.
        answer_id: names it in feedback.
        model: that gave it.
    """

    recommendations: Answer
    answer_id: str
    model: str


async def answer_request(
    service: Service,
    asked: schemas.RecommendRequest,
    picture: bytes | None = None,
    disconnected: Callable[[], Awaitable[object]] | None = None,
) -> SentAnswer:
    """Ask a model for one post, and keep its answer.

    Args:
        service: knows the models.
        asked: what was sent.
        picture: sent beside it as a file; None for none.
        disconnected: returns once nobody waits for the answer.

    Raises:
        ServiceError: there is no answer; its status and message say why.
        UserError: the picture cannot be used.
    """
    limits = service.settings.limits
    model = service.ready.get(asked.model)
    async with watching_client(disconnected) as gone:
        pictures = Pictures(limits, model.picture_size_px, gone.done)
        question = await in_a_thread(lambda: question_of(asked, picture, asked.options(), limits, pictures))
        (answer,) = await model.batcher.ask([question], limits.answer_s, lambda: gone)
    if isinstance(answer, UserError):
        raise service_error(answer)
    if isinstance(answer, Exception):
        raise answer
    return keep_answer(service, model.source.name, asked.user_id, answer)


@asynccontextmanager
async def watching_client(
    disconnected: Callable[[], Awaitable[object]] | None,
) -> AsyncIterator[asyncio.Future[object]]:
    """Yield a future that is done once nobody waits for an answer.

    Args:
        disconnected: returns then; None where that is never known.
    """
    gone = asyncio.get_running_loop().create_future() if disconnected is None else asyncio.ensure_future(disconnected())
    try:
        yield gone
    finally:
        gone.cancel()


def question_of(
    post: schemas.Query, picture: bytes | None, options: dict[str, Any], limits: Limits, pictures: Pictures
) -> Question:
    """Return the question that a request asks about a post, its picture checked.

    Args:
        post: what was sent.
        picture: sent beside it as a file; None for none.
        options: further arguments of `recommend`.
        limits: of a request.
        pictures: of the request.

    Raises:
        ServiceError: it is above a limit, or nothing was sent (422).
        ImageError: the picture cannot be used.
    """
    for name in ("k", "minimum", "maximum"):
        at_most(name, value if isinstance(value := options.get(name), int) else 0, limits.hashtags)
    at_most("caption", len(post.caption or ""), limits.caption_characters, " characters")
    given: dict[str, Any] = post.model_dump(include={"caption", "user_id", "timestamp"})
    given["image"] = _picture(post.image, picture, pictures)
    if given["image"] is None and not post.caption and not post.user_id:
        raise ServiceError(422, "nothing to recommend for; give at least one of image, caption and user_id.")
    return Question(given, options, _history(getattr(post, "history", None), limits, pictures))


async def in_a_thread(work: Callable[[], Result]) -> Result:
    """Run work that keeps a processor busy, such as decoding pictures, beside the event loop."""
    # FastAPI's `run_in_threadpool` takes longer than decoding a small picture.
    return await asyncio.get_running_loop().run_in_executor(None, work)


def keep_answer(service: Service, model: str, user_id: str | None, answer: Answer) -> SentAnswer:
    """Keep an answer for feedback, and return it as it is sent."""
    return SentAnswer(answer, service.answers.add(KeptAnswer(model, user_id, answer)), model)


def _picture(text: str | None, picture: bytes | None, pictures: Pictures) -> bytes | NDArray[np.uint8] | None:
    if text and picture:
        raise ServiceError(422, "image: given twice.")
    picture = decoded(text) if text else picture
    return None if picture is None else pictures.checked(picture)


def _history(
    posts: Sequence[schemas.HistoryPost] | None, limits: Limits, pictures: Pictures
) -> list[dict[str, Any]] | None:
    if not posts:
        return None
    at_most("history", len(posts), limits.history_posts, " posts")
    return [{**post.model_dump(), "image": _picture(post.image, None, pictures)} for post in posts]
