"""`Question`: one post of a request, read and checked, and how questions are answered together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_loaders.errors import UserError
from multimodal.recommender import Recommendation, Recommender

Answer = list[Recommendation]


@dataclass(frozen=True, slots=True)
class Question:
    """A post, and what is asked of it.

    Attributes:
        post: `image` (a file or its pixels), `caption`, `user_id`, `timestamp`.
        options: further arguments of `recommend`, `k` among them; questions with equal ones share a forward pass.
        history: earlier posts of the user, which make a question one of its own.
    """

    post: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] | None = None


def answer_together(recommender: Recommender, questions: Sequence[Question]) -> list[Answer | Exception]:
    """Return the answer of each question, or why there is none."""
    answers: list[Answer | Exception] = [[] for _ in questions]
    groups: dict[str, list[int]] = {}
    for row, question in enumerate(questions):
        key = str(row) if question.history else json.dumps(question.options, sort_keys=True)
        groups.setdefault(key, []).append(row)
    for rows in groups.values():
        for row, answer in zip(rows, _group(recommender, [questions[row] for row in rows]), strict=True):
            answers[row] = answer
    return answers


def _group(recommender: Recommender, group: Sequence[Question]) -> list[Answer | Exception]:
    if len(group) == 1:
        return [_alone(recommender, group[0])]
    try:
        return [*recommender.recommend_many([one.post for one in group], **group[0].options)]
    except UserError:  # one of them cannot be answered
        return [_alone(recommender, question) for question in group]


def _alone(recommender: Recommender, question: Question) -> Answer | Exception:
    try:
        return recommender.recommend(history=question.history, **question.post, **question.options)
    except UserError as error:
        return error
