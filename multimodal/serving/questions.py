"""`Question`: one post of a request, read and checked, and how questions are answered together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from data_loaders.errors import UserError
from multimodal.recommender import Recommendation, Recommender

Answer = list[Recommendation]


@dataclass(frozen=True, slots=True)
class Question:
    """A post, and what is asked of it.

    Attributes:
        post: `image` (bytes), `caption`, `user_id`, `timestamp`.
        k: how many hashtags.
        options: further arguments of `recommend`; questions with equal ones share a forward pass.
        history: earlier posts of the user, which make a question one of its own.
    """

    post: dict[str, Any]
    k: int
    options: tuple[tuple[str, Any], ...] = ()
    history: list[dict[str, Any]] | None = field(default=None)


def answer_together(recommender: Recommender, questions: Sequence[Question]) -> list[Answer | Exception]:
    """Return the answer of each question, or why there is none.

    Questions with the same options are asked with the largest k of them: a shorter list is how a longer one
    begins.
    """
    answers: list[Answer | Exception] = [[] for _ in questions]
    groups: dict[Any, list[int]] = {}
    for row, question in enumerate(questions):
        key = (row,) if question.history else question.options
        groups.setdefault(key, []).append(row)
    for rows in groups.values():
        for row, answer in zip(rows, _group(recommender, [questions[row] for row in rows]), strict=True):
            answers[row] = answer
    return answers


def _group(recommender: Recommender, group: Sequence[Question]) -> list[Answer | Exception]:
    if len(group) == 1:
        return [_alone(recommender, group[0])]
    most, options = max(question.k for question in group), dict(group[0].options)
    try:
        lists = recommender.recommend_many([one.post for one in group], most, on_short="fewer", **options)
    except UserError:  # one of them cannot be answered
        return [_alone(recommender, question) for question in group]
    return [
        answer[: question.k] if len(answer) >= question.k else _alone(recommender, question)
        for question, answer in zip(group, lists, strict=True)
    ]


def _alone(recommender: Recommender, question: Question) -> Answer | Exception:
    try:
        return recommender.recommend(k=question.k, history=question.history, **question.post, **dict(question.options))
    except UserError as error:
        return error
