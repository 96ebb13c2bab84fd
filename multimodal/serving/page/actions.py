"""`PageActions`: what the page does when its buttons are pressed, the same way as the routes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from fastapi.concurrency import run_in_threadpool

from data_loaders.errors import UserError
from data_loaders.images.inline import inline_picture
from multimodal.serving import schemas
from multimodal.serving.answering import SentAnswer, answer_request
from multimodal.serving.bodies import validated
from multimodal.serving.errors import ServiceError, service_error
from multimodal.serving.feedback import keep_feedback
from multimodal.serving.page.comparison import Column, column, true_hashtags
from multimodal.serving.page.known_posts import KnownPosts, frequent_users
from multimodal.serving.page.look import look
from multimodal.serving.page.reasons import reasons
from multimodal.serving.page.relevance import RELEVANT
from multimodal.serving.page.templating import rendered
from multimodal.serving.pictures import decoded
from multimodal.serving.service import Service

_EXAMPLE_PX = 1_024


class PageActions:
    """The page's side of the service; every method returns HTML.

    Args:
        service: answers.
        known: posts that can be shown.
    """

    def __init__(self, service: Service, known: KnownPosts) -> None:
        self._service, self._known = service, known
        self._next = itertools.count()

    async def recommend(
        self, picture: str | None, caption: str, user_id: str | None, model: str, k: float | None, auto: bool
    ) -> tuple[str, str]:
        """Return the answer of one model, and what a screen reader says of it."""
        try:
            asked = _asked(picture, caption, user_id, k, auto, model=model, explain=True)
            answer = await answer_request(self._service, asked)
            shown = await run_in_threadpool(self._answer, asked, answer)
        except (ServiceError, UserError) as error:
            return _problem(error), ""
        names = ", ".join(f"#{one.hashtag}" for one in answer.recommendations)
        return shown, f"{len(answer.recommendations)} hashtags: {names}"

    async def compare(
        self,
        picture: str | None,
        caption: str,
        user_id: str | None,
        models: Sequence[str],
        k: float | None,
        auto: bool,
        true: str,
    ) -> tuple[str, str]:
        """Return the answers of several models side by side, and what a screen reader says of it.

        Hashtags of the caption may be recommended here, for they may be the truth.
        """
        try:
            if not models:
                raise ServiceError(422, "no model was chosen; choose at least one.")
            truth = true_hashtags(true, caption)
            options = {"include_caption_hashtags": True}
            questions = [_asked(picture, caption, user_id, k, auto, model=model, **options) for model in models]
            columns = await asyncio.gather(*(self._column(asked, truth) for asked in questions))
        except (ServiceError, UserError) as error:
            return _problem(error), ""
        shown = {"columns": columns, "truth": truth, "user_id": questions[0].user_id, "relevant": RELEVANT}
        right = [f"{one.model}: {one.count('right')} right" if truth else one.model for one in columns]
        return rendered("comparison", **shown), "; ".join(right)

    async def teach(self, answer_id: str, hashtag: str, verdict: str) -> tuple[str, str]:
        """Keep that a hashtag of an answer was accepted or rejected; return what is shown and what is said of it."""
        try:
            given = validated(schemas.FeedbackRequest, {"answer_id": answer_id, verdict: [hashtag]})
            kept = self._service.answers.get(answer_id)
            if kept.user_id is None:
                raise ServiceError(422, "nobody can be taught; choose or invent a user, and ask again.")
            await keep_feedback(self._service, given)
        except (ServiceError, UserError) as error:
            return _problem(error), ""
        fits = f"#{hashtag} {'fits' if verdict == 'accepted' else 'does not fit'} {kept.user_id}"
        return rendered("taught", fits=fits, model=kept.model), f"Kept: {fits}"

    async def _column(self, asked: schemas.RecommendRequest, truth: Sequence[str]) -> Column:
        name = asked.model or ""
        try:
            answer = await answer_request(self._service, asked)
        except (ServiceError, UserError) as error:
            return Column(name, problem=_message(error))

        def judge() -> Column:
            with self._service.ready.get(name).borrow() as recommender:
                return column(name, answer.recommendations, truth, recommender.memory)

        return await run_in_threadpool(judge)

    def example(self) -> tuple[str | None, str, str | None, str]:
        """Return picture, caption, user and true hashtags of the next test post."""
        examples = self._known.examples
        post = examples[next(self._next) % len(examples)]
        picture = None if post.image is None else inline_picture(post.image, _EXAMPLE_PX)
        return picture, post.caption or "", post.user_id, " ".join(f"#{tag}" for tag in post.hashtags)

    def users(self, model: str) -> list[str]:
        """Return users that a model knows; none before it is loaded."""
        models = self._service.models or self._service.loaded
        if models is None:
            return []
        with models.get(model).borrow() as recommender:
            return frequent_users(recommender.memory)

    def _answer(self, asked: schemas.RecommendRequest, answer: SentAnswer) -> str:
        picture = None if asked.image is None else decoded(asked.image)
        with self._service.ready.get(answer.model).borrow() as recommender:
            why = reasons(answer.recommendations, recommender.memory, self._known)
            looked, system = look(recommender, picture, asked.caption), recommender.system.name
        return rendered("answer", answer=answer, user_id=asked.user_id, system=system, why=why, look=looked)


def _asked(
    picture: str | None, caption: str, user_id: str | None, k: float | None, auto: bool, **others: Any
) -> schemas.RecommendRequest:
    fields = {"image": picture or None, "caption": caption.strip() or None, "user_id": (user_id or "").strip() or None}
    whole = int(k) if k is not None and k == int(k) else str(k)
    return validated(schemas.RecommendRequest, {**fields, "k": "auto" if auto else whole, **others})


def _problem(error: ServiceError | UserError) -> str:
    return rendered("problem", message=_message(error))


def _message(error: ServiceError | UserError) -> str:
    return (error if isinstance(error, ServiceError) else service_error(error)).message
